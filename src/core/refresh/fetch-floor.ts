import type { RefreshSettings } from '../app-definition.js';
import type { Clock } from '../ports/clock.js';
import type { FetchReason } from '../token.js';
import {
  type Charge,
  type DayCount,
  budgetOf,
  counted,
  dayOf,
  exhaustedBudget,
  NO_COUNT,
  type BudgetName,
} from './budgets.js';

const HEALS: ReadonlySet<FetchReason> = new Set(['suspect', 'rollback', 'in_doubt']);
/** So many in a row may follow each other as the protocol wants it: faults come in groups. */
const FREE_HEALS = 6;
const MAX_PAUSE_MS = 30 * 60_000;
/** In lease times; an hour by default. Without a heal for so long, the next one is the first. */
const FORGOTTEN_AFTER_LEASES = 240;

/**
 * What this process sent for one app, by its own count and clock. The store counts for all replicas, but it may have lost
 * the count or lie; whatever it says, no replica sends more than a day's budget, and fetches that only a suspicion of the
 * store asks for come more and more rarely, and are never more than half of the budget.
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
