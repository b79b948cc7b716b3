import { identityKey, type AppDefinition } from '../app-definition.js';
import type { TokenMemory } from './token-memory.js';
import { budgetOf, type BudgetName, type Charge } from './budgets.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import type { Lease } from '../ports/refresh-lease.js';
import type { TokenFetch } from './token-fetch.js';
import type { AbortRequest, BeginRequest, FailedFetch, Grant, CommitRequest } from '../ports/token-store.js';
import { recordOf } from './transitions.js';
import { type FetchReason, fingerprint } from '../token.js';

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
    private readonly pending: PendingWrites,
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
    await this.pending.flush();
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
      if (this.memory.adopt(begun.view, sentMonoMs)) this.emitAdopted();
      if (begun.kind === 'lease_lost') events.emit({ app: name, kind: 'lease', result: 'lost' });
      return begun.kind === 'budget_exhausted'
        ? { kind: 'budget_exhausted', budget: begun.budget }
        : { kind: 'over' };
    }
    await this.fetch(begun.grant, sentMonoMs, request);
    return { kind: 'over' };
  }

  private async fetch(grant: Grant, begunMonoMs: number, request: RefreshRequest): Promise<void> {
    const isLate = this.ports.clock.monotonicMs() - begunMonoMs > SEND_GUARD_MS;
    if (isLate || this.stopping.aborted) {
      await this.abort(grant, request, 'not_sent', null);
      return;
    }
    const { reason, forceNew, charge } = request;
    const { fence } = grant;
    const result = await this.tokenFetch.send({ reason, forceNew, charge, fence }, grant.view);
    if (result.kind === 'failed') {
      await this.abort(grant, request, result.outcome, result.isOwn ? null : result.failure);
      return;
    }
    const { value, expiresInMs, tokenType } = result;
    const commit = { grant, value, expiresInMs, tokenType, owner: this.ports.replica, reason };
    // Served even if the store does not answer: no older token is better than this one.
    this.memory.hold(recordOf(commit), begunMonoMs + expiresInMs);
    await this.pending.commit(commit);
  }

  private abort(
    grant: Grant,
    { charge }: RefreshRequest,
    outcome: AbortRequest['outcome'],
    backOff: FailedFetch | null,
  ): Promise<void> {
    return this.pending.abort({ grant, charge, outcome, backOff });
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
      if (this.memory.adopt(view, sentMonoMs)) this.emitAdopted();
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

  private emitAdopted(): void {
    this.ports.events.emit({
      app: this.app.name,
      kind: 'adopted',
      generation: this.memory.generation,
      fingerprint: this.memory.fingerprint,
      isFound: false,
    });
  }
}

type PendingWrite =
  | { readonly kind: 'commit'; readonly request: CommitRequest }
  | { readonly kind: 'abort'; readonly request: AbortRequest };

/** More than the fetches of two usual days without the store; each holds a token at most. */
const MAX_PENDING = 500;

/**
 * Writes to the store how fetches ended, oldest first. What the store has not confirmed is kept while this process lives:
 * nobody else knows of it, and an unknown outcome that is not stored leaves a superseded token trusted.
 */
export class PendingWrites {
  private readonly queue: PendingWrite[] = [];
  private writing: Promise<void> | null = null;

  constructor(
    private readonly app: AppDefinition,
    private readonly memory: TokenMemory,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'store' | 'feed' | 'events'>,
  ) {}

  get isEmpty(): boolean {
    return this.queue.length === 0;
  }

  /** While it is, no further fetch may be sent: its end could not be kept. */
  get isFull(): boolean {
    return this.queue.length >= MAX_PENDING;
  }

  /** Throws `StoreUnavailableError`; the commit is then written by a later `flush`. */
  commit(request: CommitRequest): Promise<void> {
    this.queue.push({ kind: 'commit', request });
    return this.flush();
  }

  /** Throws `StoreUnavailableError`; an unknown outcome is then written by a later `flush`. */
  abort(request: AbortRequest): Promise<void> {
    if (request.outcome !== 'unknown') return this.writeAbort(request);
    this.abortLater(request);
    return this.flush();
  }

  /** For a fetch that was sent while the store did not answer. */
  abortLater(request: AbortRequest): void {
    this.queue.push({ kind: 'abort', request });
  }

  /** Writes all. Throws `StoreUnavailableError` at the first that the store does not confirm, and keeps what is left. */
  async flush(): Promise<void> {
    while (this.queue.length > 0) {
      this.writing ??= this.writeOldest();
      await this.writing;
    }
  }

  private async writeOldest(): Promise<void> {
    try {
      const [oldest] = this.queue;
      if (!oldest) return;
      await (oldest.kind === 'commit' ? this.writeCommit(oldest.request) : this.writeAbort(oldest.request));
      if (this.queue[0] === oldest) this.queue.shift();
    } finally {
      this.writing = null;
    }
  }

  private async writeCommit(request: CommitRequest): Promise<void> {
    const { clock, store, feed, events } = this.ports;
    const { name } = this.app;
    const { grant, reason, expiresInMs } = request;
    const wasSuspect = this.memory.suspectReason !== null;
    const sentMonoMs = clock.monotonicMs();
    const committed = await store.commit(this.app, request);
    this.memory.adopt(committed.view, sentMonoMs);
    const { generation, suspectReason } = this.memory;
    if (committed.kind === 'superseded') {
      events.emit({ app: name, kind: 'superseded', fence: grant.fence, generation });
      return;
    }
    this.memory.noteCommitted(grant.fence);
    events.emit({
      app: name,
      kind: 'rotated',
      generation: grant.fence,
      fingerprint: fingerprint(request.value),
      reason,
      expiresInMs,
      sameValue: grant.view.record?.value === request.value,
      isStored: true,
    });
    if (suspectReason) events.emit({ app: name, kind: 'suspected', generation, why: suspectReason });
    else if (wasSuspect) events.emit({ app: name, kind: 'healed', generation });
    await feed.publish(this.app, grant.fence);
  }

  private async writeAbort(request: AbortRequest): Promise<void> {
    const sentMonoMs = this.ports.clock.monotonicMs();
    this.memory.adopt(await this.ports.store.abort(this.app, request), sentMonoMs);
  }
}
