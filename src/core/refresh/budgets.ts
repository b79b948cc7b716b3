import type { RefreshSettings } from '../app-definition.js';

const DAY_MS = 24 * 60 * 60 * 1000;

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

/** Fetches of one day: all of them, and those that count against a pool. */
export type DayCount = { readonly fetches: number } & Readonly<Record<Pool, number>>;

export interface Budget {
  readonly daily: number;
  /** Of each pool. */
  readonly forcedDaily: number;
  /** The platform's day, by which fetches are counted, begins so long before 00:00 UTC. */
  readonly dayOffsetMs: number;
}

export function budgetOf({ dailyBudget, forcedDailyBudget, dayOffsetMs }: RefreshSettings): Budget {
  return { daily: dailyBudget, forcedDaily: forcedDailyBudget, dayOffsetMs };
}

/** The platform's day that an instant falls into, as a count of days. */
export function dayOf(atMs: number, dayOffsetMs: number): number {
  return Math.floor((atMs + dayOffsetMs) / DAY_MS);
}

/** When the platform's next day begins. */
export function nextDayAtMs(atMs: number, dayOffsetMs: number): number {
  return (dayOf(atMs, dayOffsetMs) + 1) * DAY_MS - dayOffsetMs;
}

/** For people: when the platform's day begins, such as `00:00 UTC-5`. */
export function dayStart(dayOffsetMs: number): string {
  const minutes = Math.abs(dayOffsetMs) / 60_000;
  const rest = String(minutes % 60).padStart(2, '0');
  const hours = `${Math.floor(minutes / 60)}${rest === '00' ? '' : `:${rest}`}`;
  return minutes === 0 ? '00:00 UTC' : `00:00 UTC${dayOffsetMs > 0 ? '+' : '-'}${hours}`;
}

/** The count, if it is of that day. */
export function countOn(
  { day, count }: { readonly day: number; readonly count: DayCount },
  today: number,
): DayCount {
  return day === today ? count : NO_COUNT;
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
