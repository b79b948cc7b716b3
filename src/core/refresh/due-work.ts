import type { AppDefinition } from '../app-definition.js';
import { CLAIM_GROUPS, type ClaimAnswer, claimId } from '../ports/app-claim.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import type { Clock } from '../ports/clock.js';
import type { BackOff } from '../ports/token-store.js';
import type { FetchReason, HeldToken } from '../token.js';
import type { SingleFlight, StartPace } from './scheduler.js';
import type { StoreSync } from './store-sync.js';
import type { TokenFetch } from './token-fetch.js';
import type { TokenMemory } from './token-memory.js';

/** What the platform is to be asked for without a caller: about the token that was found in the store, or for a token. */
export type Work =
  | { readonly kind: 'try'; readonly found: HeldToken; readonly isPaced: boolean }
  | { readonly kind: 'fetch'; readonly reason: FetchReason; readonly isPaced: boolean };

/** The parts of an app's manager that it depends on. */
export interface DueWorkParts {
  readonly memory: TokenMemory;
  readonly tokenFetch: TokenFetch;
  readonly claim: HeldClaim;
  readonly app: Pick<AppDefinition, 'secrets'>;
  readonly sync: Pick<StoreSync, 'hasRead'>;
  readonly flights: Pick<SingleFlight<'refresh' | 'try', unknown>, 'isRunning'>;
}

/** Says what an app is to ask its platform for without a caller, and what keeps it from that. Asks for nothing itself. */
export class DueWork {
  /** When it may use the platform for a start; null while it has no need to. */
  private startMonoMs: number | null = null;

  constructor(
    private readonly parts: DueWorkParts,
    private readonly clock: Clock,
    private readonly startPace: StartPace,
  ) {}

  /** What is to be done now. Whoever needs the platform for a start takes a place in its pace here. */
  now(): Work | null {
    const work = this.wanted();
    if (!work?.isPaced) {
      this.startMonoMs = null;
      return work;
    }
    this.startMonoMs ??= this.startPace.take();
    return this.clock.monotonicMs() >= this.startMonoMs ? work : null;
  }

  /** When its place in the pace of the start is reached, on the monotonic clock. */
  get nextMonoMs(): number {
    return this.startMonoMs ?? Infinity;
  }

  get backOff(): BackOff | null {
    return this.parts.memory.backOff ?? this.parts.tokenFetch.addressBackOff;
  }

  /** Nothing may be fetched at the moment, whoever asks for it. */
  get isHeldUp(): boolean {
    const { app, memory, claim } = this.parts;
    const isTheirs = claim.heldBy !== null;
    return isTheirs || app.secrets.missing !== null || this.backOff !== null || memory.budgetWaitMs > 0;
  }

  private wanted(): Work | null {
    const { memory, sync, flights } = this.parts;
    // What is stored need not be fetched.
    if (!sync.hasRead) return null;
    const isRefreshing = flights.isRunning('refresh');
    const { untried, toRetry } = memory;
    const found = untried ?? toRetry;
    if (found) {
      const isBusy = isRefreshing || flights.isRunning('try');
      return isBusy ? null : { kind: 'try', found, isPaced: untried !== null };
    }
    const reason = isRefreshing || this.isHeldUp ? null : this.reasonToFetch();
    return reason && { kind: 'fetch', reason, isPaced: reason === 'cold' };
  }

  private reasonToFetch(): FetchReason | null {
    const { memory, tokenFetch } = this.parts;
    if (!memory.livingToken) return 'cold';
    if (memory.mustAwaitHeal || tokenFetch.yieldsToOthers) return null;
    if (memory.isDue) return 'scheduled';
    return memory.isHealTime && tokenFetch.floor.mayHeal ? memory.suspectReason : null;
  }
}

/** A claim outlives its last renewal by this much: longer than a restart takes. */
const CLAIM_MS = 60_000;
const RENEWAL_MS = 20_000;
/** Not sooner after the last one. */
const MIN_RENEWAL_MS = 5000;
/** An answer of the last half minute is as good as a new one: no fetch waits for the store because of it. */
const FRESH_MS = 30_000;
/** How often a broker that is kept out looks whether it still is. */
const RETRY_MS = 10_000;
/** After an interruption of the store, a holder renews within this time. */
const SOON_MS = 1000;
/** One for all apps. */
const NOTHING_ASKED = Promise.resolve();

/** Another broker fetches for the same app. */
export interface OtherHolder {
  /** How it calls itself. */
  readonly name: string;
  readonly sinceMs: number;
}

/**
 * This replica's view of who may fetch for an app whose every fetch kills the token before. Each answer counts for as
 * long as a claim lives. All apps of a group ask at the same moments, so that ten thousand of them cost a few commands.
 */
export class HeldClaim {
  private other: (OtherHolder & { readonly untilMonoMs: number }) | null = null;
  private askAtMonoMs = -Infinity;
  private freshUntilMonoMs = -Infinity;
  private asking: Promise<unknown> = NOTHING_ASKED;

  constructor(
    private readonly app: AppDefinition,
    private readonly ports: Pick<BrokerPorts, 'claim' | 'clock' | 'events'>,
  ) {}

  /** Who keeps this broker from fetching; null while nobody is known to. */
  get heldBy(): OtherHolder | null {
    return this.other && this.ports.clock.monotonicMs() < this.other.untilMonoMs ? this.other : null;
  }

  /** Milliseconds until this replica looks again whether it may fetch; 0 while it may. */
  get waitMs(): number {
    return this.heldBy ? Math.max(0, this.askAtMonoMs - this.ports.clock.monotonicMs()) : 0;
  }

  get isDue(): boolean {
    return this.isNeeded && this.ports.clock.monotonicMs() >= this.askAtMonoMs;
  }

  /** When it is renewed next, or when another broker's ends, on the monotonic clock. */
  get nextMonoMs(): readonly number[] {
    return this.isNeeded ? [this.askAtMonoMs, this.other?.untilMonoMs ?? Infinity] : [];
  }

  /** Keeps the claim also while there is nothing to fetch. */
  async renew(): Promise<void> {
    await this.ask(false);
  }

  /** The store was away and may have lost the claim. The broker that held it comes first. */
  renewSoon(): void {
    const { clock } = this.ports;
    const nowMonoMs = clock.monotonicMs();
    if (!this.other) {
      this.askAtMonoMs = Math.min(this.askAtMonoMs, nowMonoMs + SOON_MS * clock.random());
      return;
    }
    this.askAtMonoMs = this.freshUntilMonoMs = nowMonoMs + RETRY_MS;
    this.other = { ...this.other, untilMonoMs: nowMonoMs + CLAIM_MS };
  }

  /**
   * Whether a fetch may be sent. `force`: a person wants it here, even if another broker has it now. Throws `StoreUnavailableError` where
   * nobody can tell; true where the store does not let this broker claim anything, which must cause no outage.
   */
  async mayFetch(force: boolean): Promise<boolean> {
    if (!this.isNeeded) return true;
    if (force || this.ports.clock.monotonicMs() >= this.freshUntilMonoMs) {
      const answer = await this.ask(force);
      if (answer.kind === 'unavailable') throw answer.cause;
    }
    return this.heldBy === null;
  }

  private get isNeeded(): boolean {
    return this.app.issuer.rule.previous !== 'stays_valid';
  }

  /** One question after the other, so that an older answer never follows a newer one. */
  private ask(force: boolean): Promise<ClaimAnswer> {
    this.askAtMonoMs = this.momentAfter(MIN_RENEWAL_MS, RENEWAL_MS);
    const answer = this.asking.then(() => this.claim(force));
    this.asking = answer;
    return answer;
  }

  /** The first moment of the app's group that is more than `minMs` away; there is one in each period. */
  private momentAfter(minMs: number, periodMs: number): number {
    const offsetMs = (claimId(this.app).group / CLAIM_GROUPS) * periodMs;
    const earliestMonoMs = this.ports.clock.monotonicMs() + minMs;
    return (Math.floor((earliestMonoMs - offsetMs) / periodMs) + 1) * periodMs + offsetMs;
  }

  private async claim(force: boolean): Promise<ClaimAnswer> {
    const { claim, clock, events } = this.ports;
    const app = this.app.name;
    const sentMonoMs = clock.monotonicMs();
    const answer = await claim.claim(this.app, CLAIM_MS, { force });
    if (answer.kind === 'theirs') {
      this.askAtMonoMs = this.freshUntilMonoMs = this.momentAfter(0, RETRY_MS);
      if (!this.other) events.emit({ app, kind: 'claim_refused', holder: answer.holder });
      this.other = {
        name: answer.holder,
        sinceMs: this.other?.sinceMs ?? clock.wallMs(),
        untilMonoMs: sentMonoMs + CLAIM_MS,
      };
    } else if (answer.kind !== 'unavailable') {
      this.freshUntilMonoMs = sentMonoMs + FRESH_MS;
      if (this.other) events.emit({ app, kind: 'claim_won', holder: this.other.name });
      this.other = null;
    }
    return answer;
  }
}
