import { randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.js';
import { RefreshLease, type Lease } from '../../core/refresh-lease.js';
import type { AppName } from '../../core/token.js';

/** A lease among the brokers of one process. */
export class MemoryRefreshLease extends RefreshLease {
  private readonly held = new Map<AppName, { readonly id: string; readonly untilMonoMs: number }>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override async acquire(
    app: AppName,
    durationMs: number,
  ): Promise<{ kind: 'acquired'; lease: Lease } | { kind: 'held' }> {
    const nowMonoMs = this.clock.monotonicMs();
    const holder = this.held.get(app);
    if (holder && holder.untilMonoMs > nowMonoMs) return { kind: 'held' };
    const lease = { app, id: randomUUID() };
    this.held.set(app, { id: lease.id, untilMonoMs: nowMonoMs + durationMs });
    return { kind: 'acquired', lease };
  }

  override async release(lease: Lease): Promise<void> {
    if (this.held.get(lease.app)?.id === lease.id) this.held.delete(lease.app);
  }

  /** Whether the lease has neither run out nor gone to somebody else. */
  isHeld(lease: Lease): boolean {
    const holder = this.held.get(lease.app);
    return holder?.id === lease.id && holder.untilMonoMs > this.clock.monotonicMs();
  }
}
