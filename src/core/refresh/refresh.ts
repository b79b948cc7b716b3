import { type AppDefinition, identityKey } from '../app-definition.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import type { Lease } from '../ports/refresh-lease.js';
import type { AbortRequest, BackOff, BeginRequest, FailedFetch, FetchPermit } from '../ports/token-store.js';
import { type FetchReason, fingerprint } from '../token.js';
import {
  type BudgetName,
  budgetOf,
  type Charge,
  counted,
  type DayCount,
  dayOf,
  exhaustedBudget,
  NO_COUNT,
  sumOf,
} from './budgets.js';
import type { StoreSync } from './store-sync.js';
import type { TokenFetch } from './token-fetch.js';
import type { TokenMemory } from './token-memory.js';
import { recordOf } from './transitions.js';

/** A fetch that was granted longer ago than this is not sent: the lease may be somebody else's by now. */
const SEND_GUARD_MS = 1000;
/** How often a replica that did not get the lease looks whether the holder is done. */
const POLL_MS = 100;

export interface RefreshRequest {
  readonly reason: FetchReason;
  /** What it counts against besides the day's budget. */
  readonly charge: Charge | null;
  readonly seenGeneration: number;
  readonly ignoreBackOff: BeginRequest['ignoreBackOff'];
  /** Have the platform replace a token that it still hands out. */
  readonly forceNew: boolean;
  /** The current token is known to be dead: even without the store there is nothing to lose. */
  readonly isProvenDead: boolean;
}

/** `over`: it ran to its end, look into memory for what came of it. The others name why nothing was asked. */
export type RefreshResult =
  | { readonly kind: 'over' }
  | { readonly kind: 'budget_exhausted'; readonly budget: BudgetName }
  | { readonly kind: 'store_unavailable' };

/**
 * One rotation of one app: lease, begin, guard, fetch, then commit or abort. Every answer of the store goes into
 * memory on the way, and the last failure with its remedy stays in the store's back-off.
 */
export class OnlineRefresh {
  constructor(
    private readonly app: AppDefinition,
    private readonly memory: TokenMemory,
    private readonly tokenFetch: TokenFetch,
    private readonly sync: StoreSync,
    private readonly ports: BrokerPorts,
    /** Aborted when the broker stops: from then on nothing is sent, and nobody is waited for. */
    private readonly stopping: AbortSignal,
  ) {}

  /** Throws `StoreUnavailableError`; what the platform does is never thrown. */
  async run(request: RefreshRequest): Promise<RefreshResult> {
    const { lease, events } = this.ports;
    const acquired = await lease.acquire(this.app, this.app.refresh.leaseMs);
    events.emit({ app: this.app.name, kind: 'lease', result: acquired.kind });
    if (acquired.kind === 'unavailable') throw acquired.cause;
    if (acquired.kind === 'held') return this.awaitHolder(request.seenGeneration);
    try {
      return await this.asHolder(acquired.lease, request);
    } finally {
      await lease.release(acquired.lease);
    }
  }

  private async asHolder(lease: Lease, request: RefreshRequest): Promise<RefreshResult> {
    const { clock, store, events } = this.ports;
    const { name, refresh } = this.app;
    await this.sync.pending.flush();
    const spent = this.tokenFetch.floor.exhausted(request.charge);
    if (spent) return { kind: 'budget_exhausted', budget: spent };
    const sentMonoMs = clock.monotonicMs();
    const begun = await store.begin(this.app, {
      lease,
      charge: request.charge,
      seenGeneration: request.seenGeneration,
      highestKnown: this.memory.generation,
      ignoreBackOff: request.ignoreBackOff,
      credential: this.tokenFetch.credential,
      budget: budgetOf(refresh),
      leaseMs: refresh.leaseMs,
    });
    if (begun.kind !== 'granted') {
      this.sync.adopt(begun.view, sentMonoMs);
      if (begun.kind === 'lease_lost') events.emit({ app: name, kind: 'lease', result: 'lost' });
      return begun.kind === 'budget_exhausted'
        ? { kind: 'budget_exhausted', budget: begun.budget }
        : { kind: 'over' };
    }
    await this.fetch(begun.permit, sentMonoMs, request);
    return { kind: 'over' };
  }

  private async fetch(permit: FetchPermit, begunMonoMs: number, request: RefreshRequest): Promise<void> {
    const isLate = this.ports.clock.monotonicMs() - begunMonoMs > SEND_GUARD_MS;
    if (isLate || this.stopping.aborted) {
      await this.abort(permit, request, 'not_sent', null);
      return;
    }
    const { reason, forceNew, charge } = request;
    const { fence } = permit;
    const result = await this.tokenFetch.send({ reason, forceNew, charge, fence }, permit.view);
    if (result.kind === 'failed') {
      await this.abort(permit, request, result.outcome, result.isOwn ? null : result.failure);
      return;
    }
    const { value, expiresInMs, tokenType } = result;
    const commit = { permit, value, expiresInMs, tokenType, owner: this.ports.replica, reason };
    // Served even if the store does not answer: no older token is better than this one.
    this.memory.hold(recordOf(commit), begunMonoMs + expiresInMs);
    await this.sync.pending.commit(commit);
  }

  private abort(
    permit: FetchPermit,
    { charge }: RefreshRequest,
    outcome: AbortRequest['outcome'],
    backOff: FailedFetch | null,
  ): Promise<void> {
    return this.sync.pending.abort({ permit, charge, outcome, backOff });
  }

  /**
   * Somebody else fetches. Waits until a newer token is stored, or until the holder is seen to have ended without one;
   * the caller comes back for the next turn.
   */
  private async awaitHolder(seenGeneration: number): Promise<RefreshResult> {
    const { clock, store } = this.ports;
    const deadlineMonoMs = clock.monotonicMs() + this.app.refresh.leaseMs;
    let idlePolls = 0;
    while (clock.monotonicMs() < deadlineMonoMs && idlePolls < 3) {
      await this.nextRotationOr(POLL_MS);
      if (this.stopping.aborted) break;
      const sentMonoMs = clock.monotonicMs();
      const view = await store.read(this.app);
      this.sync.adopt(view, sentMonoMs);
      if (this.memory.generation > seenGeneration || this.memory.backOff) break;
      idlePolls = view.intent ? 0 : idlePolls + 1;
    }
    return { kind: 'over' };
  }

  private nextRotationOr(timeoutMs: number): Promise<void> {
    const { clock, feed } = this.ports;
    const { stopping } = this;
    return new Promise((resolve) => {
      const end = (): void => {
        cancel();
        unsubscribe();
        stopping.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(timeoutMs, end);
      const unsubscribe = feed.subscribe(({ key }) => {
        if (key === identityKey(this.app)) end();
      });
      stopping.addEventListener('abort', end);
    });
  }
}

/** Two replicas that fetch in the same millisecond should not name two tokens by one generation. */
const GENERATION_SPREAD = 1000;

/**
 * Keeps the token alive while the store is away. Nothing coordinates the replicas then, so a platform that mints at
 * every call is asked only when there is nothing left to lose. The token is stored, as a suspect one, when the
 * store is back: reconciling finds it behind.
 */
export class OfflineRefresh {
  private failure: BackOff | null = null;
  private failures = 0;
  private waitUntilMonoMs = -Infinity;
  private day = { number: 0, count: NO_COUNT };

  constructor(
    private readonly app: AppDefinition,
    private readonly memory: TokenMemory,
    private readonly tokenFetch: TokenFetch,
    private readonly sync: StoreSync,
    private readonly ports: BrokerPorts,
  ) {}

  /** Why the last fetch without the store brought no token, and how long the next one waits; or null. */
  get lastFailure(): BackOff | null {
    return this.failure;
  }

  /** When the next one may be sent after a failure, on the monotonic clock. */
  get nextMonoMs(): number {
    return this.waitUntilMonoMs;
  }

  /** Forgets its failures: the store is back and keeps count again. */
  reset(): void {
    this.failure = null;
    this.failures = 0;
  }

  isAllowed({ isProvenDead, charge, reason }: RefreshRequest): boolean {
    const { memory, app, ports } = this;
    const isOfNewSecret = reason === 'secret_change';
    if (ports.clock.monotonicMs() < this.waitUntilMonoMs && !isOfNewSecret) return false;
    if (exhaustedBudget(this.today(), 0, charge, budgetOf(app.refresh))) return false;
    if (isProvenDead) return true;
    if (app.issuer.rule.previous === 'stays_valid')
      return !memory.livingToken || memory.isDue || isOfNewSecret;
    // A replica that never held a token cannot know whether others serve a living one, which its fetch would kill.
    return memory.token !== null && memory.isLastChance;
  }

  async run({ reason, forceNew, charge }: RefreshRequest): Promise<void> {
    const { clock, events, replica } = this.ports;
    const { memory } = this;
    const nowMs = memory.storeNowMs();
    const begunMonoMs = clock.monotonicMs();
    const fence =
      Math.max(memory.generation + 1, Math.floor(nowMs)) + Math.floor(clock.random() * GENERATION_SPREAD);
    const before = {
      backOff: this.failure,
      failures: this.failures,
      nowMs,
      count: this.today(),
      day: this.day.number,
      record: memory.token?.record ?? null,
    };
    const result = await this.tokenFetch.send({ reason, forceNew, charge, fence }, before);
    if (result.kind !== 'failed' || result.outcome !== 'not_sent') this.count(charge);
    if (result.kind === 'failed') {
      const { delayMs, ...why } = result.failure;
      const atMs = memory.storeNowMs();
      this.failure = { ...why, atMs, untilMs: atMs + delayMs };
      this.failures += 1;
      this.waitUntilMonoMs = clock.monotonicMs() + delayMs;
      if (result.outcome === 'unknown') {
        this.sync.pending.abortLater({
          permit: { fence, day: this.day.number },
          charge,
          outcome: 'unknown',
          backOff: null,
        });
      }
      return;
    }
    this.reset();
    const { value, expiresInMs, tokenType } = result;
    const base = memory.token?.record ?? null;
    const permit = { fence, view: { nowMs, record: base } };
    const record = recordOf({ permit, value, expiresInMs, tokenType, owner: replica, reason });
    memory.hold(record, begunMonoMs + expiresInMs);
    // What others fetched meanwhile without knowing of it is a fork.
    memory.noteCommitted(fence);
    events.emit({
      app: this.app.name,
      kind: 'rotated',
      generation: fence,
      fingerprint: fingerprint(value),
      reason,
      expiresInMs,
      sameValue: base?.value === value,
      isStored: false,
    });
  }

  /** What the store last said, and what it does not know of. */
  private today(): DayCount {
    return sumOf(this.memory.storedToday, this.own());
  }

  private own(): DayCount {
    const number = dayOf(this.memory.storeNowMs(), this.app.refresh.dayOffsetMs);
    if (this.day.number !== number) this.day = { number, count: NO_COUNT };
    return this.day.count;
  }

  private count(charge: Charge | null): void {
    this.day = { ...this.day, count: counted(this.own(), charge) };
  }
}
