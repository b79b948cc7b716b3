import type { AppDefinition } from '../app-definition.js';
import { StoreUnavailableError } from '../errors.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import type { AbortRequest, CommitRequest, StoreView } from '../ports/token-store.js';
import { type AppName, fingerprint } from '../token.js';
import type { ChangeWatch } from './change-watch.js';
import { isPause, type Scheduler } from './scheduler.js';
import type { TokenMemory } from './token-memory.js';

/** A read that is to happen within less than this happens at once. */
const AT_ONCE_MS = 100;

/**
 * Keeps the memory of one app and the store together: reads the state when it is time to, after what was not written yet, and
 * says what memory proves until then.
 */
export class StoreSync {
  readonly health: StoreHealth;
  readonly pending: PendingWrites;
  private hasAsked = false;
  /** It has answered at least once. */
  private hasAnswered = false;
  private readMonoMs: number;
  /** The factor of the usual time after which it is read again. */
  private jitter = 1;
  private isSpreadAnew = true;
  /** When it is to be read without waiting for that. */
  private soonMonoMs = Infinity;
  /** The process stood still: others may have rotated long ago. */
  private wasPaused = false;

  constructor(
    private readonly app: AppDefinition,
    private readonly memory: TokenMemory,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'store' | 'feed' | 'events'>,
    private readonly watch: Pick<ChangeWatch, 'periodMs'>,
    private readonly scheduler: Pick<Scheduler, 'sinceLastRunMs'>,
  ) {
    this.health = new StoreHealth(app.name, ports);
    this.pending = new PendingWrites(app, memory, ports);
    this.readMonoMs = ports.clock.monotonicMs();
  }

  /** The state was read, or the store was asked for it, since the process started. */
  get hasRead(): boolean {
    return this.hasAsked;
  }

  /** When the state is read next, or the store may be asked again, on the monotonic clock. */
  get nextMonoMs(): readonly number[] {
    return [this.dueMonoMs, this.health.nextMonoMs];
  }

  get isDue(): boolean {
    return this.ports.clock.monotonicMs() >= this.dueMonoMs && !this.health.isOpen;
  }

  /** Returns whether the store answered. */
  async read(): Promise<boolean> {
    const { clock } = this.ports;
    this.readMonoMs = clock.monotonicMs();
    this.soonMonoMs = Infinity;
    // Apps that were read together are not read together again.
    this.jitter = this.isSpreadAnew ? 1.25 * clock.random() : 0.8 + 0.45 * clock.random();
    this.isSpreadAnew = false;
    const result = await this.health.call(() => this.merge());
    this.hasAsked = true;
    this.wasPaused = false;
    return result.kind === 'read';
  }

  private async merge(): Promise<{ readonly kind: 'read' }> {
    const { clock, store } = this.ports;
    await this.pending.flush();
    const sentMonoMs = clock.monotonicMs();
    const { token, committed } = this.memory;
    const view = await store.reconcile(this.app, { record: token?.record ?? null, committed });
    const isFound = !this.hasAnswered;
    this.hasAnswered = true;
    this.adopt(view, sentMonoMs, isFound);
    return { kind: 'read' };
  }

  /** Takes over what the store said, as `TokenMemory.adopt`, and says so of a newer token. */
  adopt(view: StoreView, sentMonoMs: number, isFound = false): void {
    if (!this.memory.adopt(view, sentMonoMs)) return;
    const { generation, fingerprint: mark } = this.memory;
    const app = this.app.name;
    this.ports.events.emit({ app, kind: 'adopted', generation, fingerprint: mark, isFound });
  }

  /** Without waiting for the usual time. */
  readWithin(ms: number): void {
    const { clock } = this.ports;
    const waitMs = ms < AT_ONCE_MS ? 0 : ms * clock.random();
    this.soonMonoMs = Math.min(this.soonMonoMs, clock.monotonicMs() + waitMs);
  }

  /** All apps are about to be read; they shall not be read together again. */
  spreadAnew(): void {
    this.isSpreadAnew = true;
  }

  resumeAfter(pauseMs: number): void {
    this.wasPaused ||= isPause(pauseMs, this.app.refresh.reconcileMs);
  }

  /** The list of changes says that nothing was missed in a pause. */
  noteUnchanged(): void {
    this.wasPaused = false;
  }

  /** Right after a long pause memory proves nothing. */
  mustRead(nowMonoMs: number): boolean {
    return this.wasPaused || isPause(this.scheduler.sinceLastRunMs(nowMonoMs), this.app.refresh.reconcileMs);
  }

  private get dueMonoMs(): number {
    const isInTrouble = this.health.outage !== null || !this.pending.isEmpty;
    const periodMs = this.watch.periodMs(this.app.refresh.reconcileMs, isInTrouble);
    return Math.min(this.soonMonoMs, this.readMonoMs + periodMs * this.jitter);
  }
}

/** A store that gave no answer is left alone for at least this long. */
const RETRY_MS = 500;

const NOTHING_REPORTED: ReadonlySet<string> = new Set();

/** Why the store does not answer, what a person does about it, and since when. */
export interface StoreOutage {
  readonly message: string;
  readonly remedy: string;
  readonly sinceMs: number;
}

/** Whether the store answers for one app, as its last answer showed. */
export class StoreHealth {
  private retryAtMonoMs = -Infinity;
  private current: StoreOutage | null = null;
  /** Of this outage, without the numbers that some have in them. */
  private reported: ReadonlySet<string> = NOTHING_REPORTED;

  constructor(
    private readonly app: AppName,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events'>,
  ) {}

  /** Null while it answers. */
  get outage(): StoreOutage | null {
    return this.current;
  }

  /** When it may be asked again, on the monotonic clock. */
  get nextMonoMs(): number {
    return this.retryAtMonoMs;
  }

  /** It failed so recently that asking again can wait. */
  get isOpen(): boolean {
    return this.ports.clock.monotonicMs() < this.retryAtMonoMs;
  }

  /** Notes how the store fared in `work`; its failure becomes a result. */
  async call<T>(work: () => Promise<T>): Promise<T | { readonly kind: 'store_unavailable' }> {
    try {
      const result = await work();
      this.answered();
      return result;
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      this.failed(error);
      return { kind: 'store_unavailable' };
    }
  }

  private answered(): void {
    if (this.current) this.ports.events.emit({ app: this.app, kind: 'store_available' });
    this.current = null;
    this.reported = NOTHING_REPORTED;
    this.retryAtMonoMs = -Infinity;
  }

  /** Each reason is news once in an outage: the first one is often only how the connection ended. */
  private failed({ message, remedy }: StoreUnavailableError): void {
    const { clock, events } = this.ports;
    this.retryAtMonoMs = clock.monotonicMs() + RETRY_MS * (1 + clock.random());
    this.current = { message, remedy, sinceMs: this.current?.sinceMs ?? clock.wallMs() };
    const reason = message.replace(/\d+/g, '#');
    if (this.reported.has(reason)) return;
    this.reported = new Set(this.reported).add(reason);
    events.emit({ app: this.app, kind: 'store_unavailable', message, remedy });
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
    const { permit, reason, expiresInMs } = request;
    const wasSuspect = this.memory.suspectReason !== null;
    const sentMonoMs = clock.monotonicMs();
    const committed = await store.commit(this.app, request);
    this.memory.adopt(committed.view, sentMonoMs);
    const { generation, suspectReason } = this.memory;
    if (committed.kind === 'superseded') {
      events.emit({ app: name, kind: 'superseded', fence: permit.fence, generation });
      return;
    }
    this.memory.noteCommitted(permit.fence);
    events.emit({
      app: name,
      kind: 'rotated',
      generation: permit.fence,
      fingerprint: fingerprint(request.value),
      reason,
      expiresInMs,
      sameValue: permit.view.record?.value === request.value,
      isStored: true,
    });
    if (suspectReason) events.emit({ app: name, kind: 'suspected', generation, why: suspectReason });
    else if (wasSuspect) events.emit({ app: name, kind: 'healed', generation });
    await feed.publish(this.app, permit.fence);
  }

  private async writeAbort(request: AbortRequest): Promise<void> {
    const sentMonoMs = this.ports.clock.monotonicMs();
    this.memory.adopt(await this.ports.store.abort(this.app, request), sentMonoMs);
  }
}
