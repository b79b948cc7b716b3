import type { Clock } from '../ports/clock.js';
import type { BackOff } from '../ports/token-store.js';
import type { FetchReason, HeldToken } from '../token.js';
import type { AppSecrets } from './app-secrets.js';
import type { ReadPlan } from './change-watch.js';
import type { HeldClaim } from './held-claim.js';
import type { StartPace } from './scheduler.js';
import type { SingleFlight } from './single-flight.js';
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
  readonly secrets: AppSecrets;
  readonly reads: ReadPlan;
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
    const { memory, secrets, claim } = this.parts;
    const isTheirs = claim.heldBy !== null;
    return isTheirs || secrets.missing !== null || this.backOff !== null || memory.budgetWaitMs > 0;
  }

  private wanted(): Work | null {
    const { memory, reads, flights } = this.parts;
    // What is stored need not be fetched.
    if (!reads.hasRead) return null;
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
