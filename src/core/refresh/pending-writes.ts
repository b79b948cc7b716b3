import type { AppDefinition } from '../app-definition.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import type { AbortRequest, CommitRequest } from '../ports/token-store.js';
import { fingerprint } from '../token.js';
import type { TokenMemory } from './token-memory.js';

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
