/**
 * What a fetch counts against, besides the day's budget of all fetches. `forced`: a caller with `token:admin` asked for it;
 * `forceNew`: the platform is told to replace a token that it hands out although it refuses it; `unproven`: a report of a
 * dead token that no probe confirmed.
 */
export type Pool = 'forced' | 'forceNew' | 'unproven';

export interface Charge {
  readonly pool: Pool;
  /** The caller: none has more than half of the unproven ones. */
  readonly client: string;
}

/** Fetches of one day of UTC+8, the day that the platform counts by: all of them, and those that count against a pool. */
export type DayCount = { readonly fetches: number } & Readonly<Record<Pool, number>>;

export interface Budget {
  readonly daily: number;
  /** Of each pool. */
  readonly forcedDaily: number;
}

/** A budget that is used up. `client`: the caller's share of the unproven ones. */
export type BudgetName = 'daily' | Pool | 'client';

export const NO_COUNT: DayCount = { fetches: 0, forced: 0, forceNew: 0, unproven: 0 };

/**
 * Which budget leaves no room for this fetch, or null. What somebody forces has its own limit alone, so that nobody can
 * use it up but those who may force.
 *
 * @param ofClient unproven fetches of the caller today
 */
export function exhaustedBudget(
  today: DayCount,
  ofClient: number,
  charge: Charge | null,
  budget: Budget,
): BudgetName | null {
  if (charge?.pool !== 'forced' && today.fetches >= budget.daily) return 'daily';
  if (!charge) return null;
  if (today[charge.pool] >= budget.forcedDaily) return charge.pool;
  const share = Math.ceil(budget.forcedDaily / 2);
  return charge.pool === 'unproven' && ofClient >= share ? 'client' : null;
}

/** With one fetch more, or with one that was not sent given back. */
export function counted(today: DayCount, charge: Charge | null, by: 1 | -1 = 1): DayCount {
  const next = { ...today, fetches: Math.max(0, today.fetches + by) };
  return charge ? { ...next, [charge.pool]: Math.max(0, today[charge.pool] + by) } : next;
}

/** What was counted in two places that know nothing of each other. */
export function sumOf(one: DayCount, other: DayCount): DayCount {
  return {
    fetches: one.fetches + other.fetches,
    forced: one.forced + other.forced,
    forceNew: one.forceNew + other.forceNew,
    unproven: one.unproven + other.unproven,
  };
}
