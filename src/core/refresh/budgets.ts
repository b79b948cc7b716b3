import type { RefreshSettings } from '../app-definition.js';
import { type Clock, DAY_MS } from '../ports/clock.js';
import type { FetchReason } from '../token.js';

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
  /** The day that the platform counts fetches by begins so long before 00:00 UTC. */
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

const HEALS: ReadonlySet<FetchReason> = new Set(['suspect', 'rollback', 'in_doubt']);
/** So many in a row may follow each other as the protocol wants it: faults come in groups. */
const FREE_HEALS = 6;
const MAX_PAUSE_MS = 30 * 60_000;
/** In lease times; an hour by default. After so long without a heal, the next one counts as the first. */
const FORGOTTEN_AFTER_LEASES = 240;

/**
 * What this process sent for one app, by its own count and clock. The store counts for all replicas, but it may have lost
 * the count or lie; whatever it says, no replica sends more than a day's budget, and fetches for a token that the
 * store only calls suspect come more and more rarely, and are never more than half of the budget.
 */
export class FetchFloor {
  private readonly epochMs: number;
  private day = 0;
  private sent = NO_COUNT;
  private healsToday = 0;
  private heals = 0;
  private healedMonoMs = -Infinity;

  constructor(
    private readonly refresh: RefreshSettings,
    private readonly clock: Clock,
  ) {
    this.epochMs = clock.wallMs() - clock.monotonicMs();
  }

  /** Sent today, by this process. */
  get count(): DayCount {
    const day = dayOf(this.epochMs + this.clock.monotonicMs(), this.refresh.dayOffsetMs);
    if (day !== this.day) {
      this.day = day;
      this.sent = NO_COUNT;
      this.healsToday = 0;
    }
    return this.sent;
  }

  /** The budget that this process has used up alone, or null. */
  exhausted(charge: Charge | null): BudgetName | null {
    return exhaustedBudget(this.count, 0, charge, budgetOf(this.refresh));
  }

  /** When the pause after the last heal ends. */
  get nextHealMonoMs(): number {
    return this.healedMonoMs + this.pauseMs;
  }

  /** Whether a token that is only suspect may be replaced now. */
  get mayHeal(): boolean {
    const { dailyBudget } = this.refresh;
    // In this order: the count begins a new day.
    const isLeft = this.count.fetches < dailyBudget && this.healsToday < dailyBudget / 2;
    return isLeft && this.clock.monotonicMs() >= this.nextHealMonoMs;
  }

  add(reason: FetchReason, charge: Charge | null): void {
    this.sent = counted(this.count, charge);
    if (!HEALS.has(reason)) return;
    const nowMonoMs = this.clock.monotonicMs();
    const isFirst = nowMonoMs - this.healedMonoMs > FORGOTTEN_AFTER_LEASES * this.refresh.leaseMs;
    this.heals = isFirst ? 1 : this.heals + 1;
    this.healsToday += 1;
    this.healedMonoMs = nowMonoMs;
  }

  /** No heal needs to follow another one sooner than the lease: the first could still be overtaken. */
  private get pauseMs(): number {
    const { leaseMs } = this.refresh;
    const doublings = Math.max(0, this.heals - FREE_HEALS + 1);
    return Math.min(Math.max(MAX_PAUSE_MS, leaseMs), leaseMs * 2 ** Math.min(doublings, 30));
  }
}
