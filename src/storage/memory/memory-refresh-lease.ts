import { randomUUID } from 'node:crypto';
import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import type { Clock } from '../../core/ports/clock.js';
import { RefreshLease, type Lease } from '../../core/ports/refresh-lease.js';

/** A lease among the brokers of one process. */
export class MemoryRefreshLease extends RefreshLease {
  private readonly held = new Map<string, { readonly id: string; readonly untilMonoMs: number }>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override async acquire(
    app: AppIdentity,
    durationMs: number,
  ): Promise<{ kind: 'acquired'; lease: Lease } | { kind: 'held' }> {
    const nowMonoMs = this.clock.monotonicMs();
    const key = identityKey(app);
    const holder = this.held.get(key);
    if (holder && holder.untilMonoMs > nowMonoMs) return { kind: 'held' };
    const lease = { app, id: randomUUID() };
    this.held.set(key, { id: lease.id, untilMonoMs: nowMonoMs + durationMs });
    return { kind: 'acquired', lease };
  }

  override async release(lease: Lease): Promise<void> {
    const key = identityKey(lease.app);
    if (this.held.get(key)?.id === lease.id) this.held.delete(key);
  }

  /** Whether the lease has neither run out nor gone to somebody else. */
  isHeld(lease: Lease): boolean {
    const holder = this.held.get(identityKey(lease.app));
    return holder?.id === lease.id && holder.untilMonoMs > this.clock.monotonicMs();
  }
}
