import type { AppDefinition } from '../app-definition.js';
import type { Clock } from '../ports/clock.js';
import type { ProbeOutcome } from '../ports/token-issuer.js';
import type { BackOff, StoreView } from '../ports/token-store.js';
import type { TokenOwners } from '../token.js';
import { fingerprint, type HeldToken, RecentTokens, type TokenRecord } from '../token.js';
import { countOn, type DayCount, dayOf, nextDayAtMs, NO_COUNT } from './budgets.js';
import { FoundToken, ReportedToken } from './evidence.js';
import {
  graceMsOf,
  healAtMs,
  holdsUp,
  lastChanceMs,
  refreshDueAtMs,
  type SuspectReason,
  suspectReasonOf,
} from './policy.js';
import { MAX_LIFE_MS } from './read-stored-state.js';
import { plausibleFence } from './transitions.js';

/**
 * What this replica holds of one app: the newest token it ever saw and the store's last word, both placed on the
 * monotonic clock. Only ever moves forward.
 */
export class TokenMemory {
  private newest: HeldToken | null = null;
  private dueMonoMs = -Infinity;
  private lastChanceMonoMs = Infinity;
  private readonly recent: RecentTokens;
  private listeners: readonly ((held: HeldToken) => void)[] = [];
  private last: {
    readonly view: StoreView;
    readonly sentMonoMs: number;
    readonly gotMonoMs: number;
  } | null = null;
  private found: FoundToken | null = null;
  readonly reported: ReportedToken;
  private highestCommitted = 0;

  constructor(
    private readonly app: AppDefinition,
    private readonly clock: Clock,
    /** What this process alone knows: its credential, as in a begin, and what it sent today. */
    private readonly own: { readonly credential: string | null; readonly count: DayCount },
    owners: TokenOwners,
  ) {
    this.recent = new RecentTokens(app.name, owners);
    this.reported = new ReportedToken(this, clock);
  }

  /** The highest generation that this replica committed itself. */
  get committed(): number {
    return this.highestCommitted;
  }

  noteCommitted(generation: number): void {
    this.highestCommitted = Math.max(this.highestCommitted, generation);
  }

  /** The newest token, living or not. */
  get token(): HeldToken | null {
    return this.newest;
  }

  /** 0 where it cannot be right by the store's clock: any generation of the store is newer then. */
  get generation(): number {
    const generation = this.newest?.record.generation ?? 0;
    return this.last ? plausibleFence(generation, this.storeNowMs()) : generation;
  }

  /** How log lines name the newest token. */
  get fingerprint(): string | null {
    return this.newest && fingerprint(this.newest.record.value);
  }

  get view(): StoreView | null {
    return this.last?.view ?? null;
  }

  get livingToken(): HeldToken | undefined {
    const { newest } = this;
    return newest && newest.deadlineMonoMs > this.clock.monotonicMs() ? newest : undefined;
  }

  /**
   * Takes over what the store said. `sentMonoMs` is when it was asked, so that the trip shortens the token's life here
   * and never lengthens it. Returns whether a newer generation came with it.
   */
  adopt(view: StoreView, sentMonoMs: number): boolean {
    const before = this.last?.view ?? null;
    if (!this.last || sentMonoMs >= this.last.sentMonoMs) {
      this.last = { view, sentMonoMs, gotMonoMs: this.clock.monotonicMs() };
    }
    const { record } = view;
    if (!record || record.generation <= this.generation) return false;
    // A store whose clock was set back makes no token live longer than it was given.
    const bornAtMs = Math.max(view.nowMs, record.issuedAtMs);
    const isLiving = record.expiresAtMs > bornAtMs;
    const isUnknown = !before || (!this.livingToken && !isOfAfter(before, record));
    if (isUnknown && isLiving && this.app.refresh.verifyReports)
      this.found = new FoundToken(record.generation, this.app, this.clock);
    this.hold(record, sentMonoMs + Math.min(MAX_LIFE_MS, record.expiresAtMs - bornAtMs));
    return true;
  }

  /** Serves this record from now on, unless a newer one is known. */
  hold(record: TokenRecord, deadlineMonoMs: number): void {
    if (record.generation <= this.generation) return;
    const newest = { record, deadlineMonoMs };
    this.newest = newest;
    this.planAnew();
    // One that was reported, or replaced because it leaked, is dead already.
    const hasKilled = record.reason === 'report' || record.reason === 'force';
    const graceMs = hasKilled ? 0 : graceMsOf(this.app.issuer.rule);
    this.recent.next(record.value, deadlineMonoMs, this.clock.monotonicMs(), graceMs);
    for (const listener of this.listeners) listener(newest);
  }

  /** When the newest token is to be replaced, by the settings as they are now. */
  planAnew(): void {
    if (!this.newest) return;
    const { record, deadlineMonoMs } = this.newest;
    const { refresh, issuer } = this.app;
    const dueAtMs = refreshDueAtMs(record, refresh, this.clock.random(), issuer.rule);
    this.dueMonoMs = deadlineMonoMs - (record.expiresAtMs - dueAtMs);
    this.lastChanceMonoMs = deadlineMonoMs - lastChanceMs(record, this.clock.random());
  }

  /** The newest token, if it was in the store already when this process first looked, or when it had none, and was not tried yet. */
  get untried(): HeldToken | null {
    return this.newestFound?.isUntried ? this.newest : null;
  }

  /** The same token once it is served, when it is time to try it again. */
  get toRetry(): HeldToken | null {
    return this.newestFound?.isRetryDue ? this.newest : null;
  }

  private get newestFound(): FoundToken | null {
    return this.found && this.found.generation === this.newest?.record.generation ? this.found : null;
  }

  /** What came of trying it. One that is dead counts as expired. */
  tried({ record }: HeldToken, outcome: ProbeOutcome): void {
    const { found, newest } = this;
    if (found?.generation !== record.generation) return;
    const isFirst = found.isUntried;
    if (outcome === 'rejected') this.found = null;
    else found.passed(outcome, this.dueMonoMs);
    if (newest?.record !== record) return;
    if (outcome === 'rejected') {
      this.newest = { record, deadlineMonoMs: this.clock.monotonicMs() };
      this.dueMonoMs = this.lastChanceMonoMs = -Infinity;
    } else if (isFirst) {
      for (const listener of this.listeners) listener(newest);
    }
  }

  /** Calls back for each newer token from now on, until the returned function is called. */
  subscribe(listener: (held: HeldToken) => void): () => void {
    // `concat` leaves no room for more, as a spread does.
    this.listeners = this.listeners.concat(listener);
    return () => {
      this.listeners = this.listeners.filter((one) => one !== listener);
    };
  }

  /** Whether this is the hash of a token that the platform would still take. */
  isRecent(sha256: string): boolean {
    return this.recent.includes(sha256, this.clock.monotonicMs());
  }

  /** The app is kept no more: nobody finds it by its tokens. */
  forgetRecent(): void {
    this.recent.clear();
  }

  /** The store's clock, as far as it can be told from here. */
  storeNowMs(): number {
    if (!this.last) return this.clock.wallMs();
    return this.last.view.nowMs + this.clock.monotonicMs() - this.last.sentMonoMs;
  }

  /** When time alone changes what this replica should do about the token, on the monotonic clock; some are over. */
  get nextMonoMs(): readonly number[] {
    const nowMonoMs = this.clock.monotonicMs();
    const ofStore = (atMs: number): number => nowMonoMs + atMs - this.storeNowMs();
    const { newest, found, view, budgetWaitMs } = this;
    return [
      this.dueMonoMs,
      this.lastChanceMonoMs,
      newest?.deadlineMonoMs ?? Infinity,
      ...(found?.nextMonoMs ?? []),
      nowMonoMs + this.healWaitMs,
      ofStore(view?.backOff?.untilMs ?? Infinity),
      ofStore((view?.intent?.atMs ?? Infinity) + this.app.refresh.leaseMs + 1),
      budgetWaitMs > 0 ? nowMonoMs + budgetWaitMs : Infinity,
    ];
  }

  get isDue(): boolean {
    return this.clock.monotonicMs() >= this.dueMonoMs;
  }

  /** So near to its end that the token is replaced even without the store. */
  get isLastChance(): boolean {
    return this.clock.monotonicMs() >= this.lastChanceMonoMs;
  }

  /** On the store's clock; see `isLastChance`. */
  get lastChanceAtMs(): number {
    return this.storeNowMs() + this.lastChanceMonoMs - this.clock.monotonicMs();
  }

  get nextRefreshAtMs(): number | null {
    if (!this.newest) return null;
    const { record, deadlineMonoMs } = this.newest;
    return record.expiresAtMs - (deadlineMonoMs - this.dueMonoMs);
  }

  get suspectReason(): SuspectReason | null {
    const view = this.view;
    const reason = view && suspectReasonOf(view);
    if (reason !== 'in_doubt' || !view?.intent) return reason;
    // A young intent is just a fetch that is going on.
    return view.intent.atMs + this.app.refresh.leaseMs < this.storeNowMs() ? reason : null;
  }

  get isHealTime(): boolean {
    return this.view !== null && this.healWaitMs <= 0;
  }

  /** A replacement for the suspect token could be overtaken in its turn, and the token lives long enough to wait. */
  get mustAwaitHeal(): boolean {
    const { newest, healWaitMs } = this;
    if (!newest || !this.suspectReason || healWaitMs <= 0) return false;
    const leftMs = newest.deadlineMonoMs - this.clock.monotonicMs();
    return healWaitMs + this.app.refresh.leaseMs < leftMs;
  }

  /** By the least that the store's clock can show: the token of a fetch that begins a moment too early is suspect itself. */
  private get healWaitMs(): number {
    if (!this.last) return 0;
    const { view, gotMonoMs } = this.last;
    return healAtMs(view, this.app.refresh.leaseMs) - view.nowMs - (this.clock.monotonicMs() - gotMonoMs);
  }

  /** The back-off that holds the next fetch up, or null. */
  get backOff(): BackOff | null {
    const backOff = this.view?.backOff ?? null;
    const fetch = { ignoreBackOff: 'none', credential: this.own.credential } as const;
    return holdsUp(backOff, this.storeNowMs(), fetch) ? backOff : null;
  }

  /** Milliseconds until the day's budget is filled again, or 0 while some of it is left. */
  get budgetWaitMs(): number {
    const { fetches } = this.storedToday;
    const isLeft = Math.max(fetches, this.own.count.fetches) < this.app.refresh.dailyBudget;
    return isLeft ? 0 : this.nextDayWaitMs;
  }

  /** Milliseconds until the platform's next day begins. */
  get nextDayWaitMs(): number {
    const nowMs = this.storeNowMs();
    return nextDayAtMs(nowMs, this.app.refresh.dayOffsetMs) - nowMs;
  }

  /** The day's fetches: as the store last counted them, and no less than this process sent. */
  get today(): DayCount {
    const { storedToday } = this;
    const own = this.own.count;
    return {
      fetches: Math.max(storedToday.fetches, own.fetches),
      forced: Math.max(storedToday.forced, own.forced),
      forceNew: Math.max(storedToday.forceNew, own.forceNew),
      unproven: Math.max(storedToday.unproven, own.unproven),
    };
  }

  /** As the store last counted them. */
  get storedToday(): DayCount {
    const { view } = this;
    return view ? countOn(view, dayOf(this.storeNowMs(), this.app.refresh.dayOffsetMs)) : NO_COUNT;
  }
}

/** Whether its fetch was under way when the store gave that view, or began later: it is nothing old that was put back. */
function isOfAfter({ fence, nowMs }: StoreView, { generation }: TokenRecord): boolean {
  return generation >= Math.floor(nowMs) || (fence > 0 && generation >= fence);
}
