import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { type AppIdentity, identityKey } from '../../core/app-definition.js';
import { AppClaim, type ClaimAnswer, type ClaimedApp } from '../../core/ports/app-claim.js';
import type { Clock } from '../../core/ports/clock.js';
import { type Lease, type LeaseAnswer, RefreshLease } from '../../core/ports/refresh-lease.js';
import { type Rotation, RotationFeed } from '../../core/ports/rotation-feed.js';
import {
  type ProbeAttempt,
  type ProbeClaim,
  type ProbedToken,
  SharedProbes,
} from '../../core/ports/shared-probes.js';

/** Attempts that are under way or were a moment ago. */
const MAX_ATTEMPTS = 10_000;

/** A lease among the brokers of one process. */
export class MemoryRefreshLease extends RefreshLease {
  private readonly held = new Map<string, { readonly id: string; readonly untilMonoMs: number }>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override async acquire(app: AppIdentity, durationMs: number): Promise<LeaseAnswer> {
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

/** A feed among the brokers of one process. */
export class MemoryRotationFeed extends RotationFeed {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  override async publish(app: AppIdentity, generation: number): Promise<void> {
    this.emitter.emit('rotation', { key: identityKey(app), generation });
  }

  override subscribe(listener: (rotation: Rotation) => void): () => void {
    this.emitter.on('rotation', listener);
    return () => {
      this.emitter.off('rotation', listener);
    };
  }
}

/** Claims among the brokers of one process, each of which has a prefix of its own and the same `claims`. */
export class MemoryAppClaim extends AppClaim {
  constructor(
    private readonly clock: Clock,
    private readonly prefix = '',
    private readonly claims = new Map<string, { readonly holder: string; readonly untilMonoMs: number }>(),
  ) {
    super();
  }

  override async claim(
    { name, provider, host, appId }: ClaimedApp,
    durationMs: number,
    { force }: { readonly force: boolean },
  ): Promise<ClaimAnswer> {
    const key = JSON.stringify([provider, host, appId]);
    const holder = `${this.prefix}{${name}}`;
    const nowMonoMs = this.clock.monotonicMs();
    const current = this.claims.get(key);
    if (!force && current && current.holder !== holder && current.untilMonoMs > nowMonoMs) {
      return { kind: 'theirs', holder: current.holder };
    }
    this.claims.set(key, { holder, untilMonoMs: nowMonoMs + durationMs });
    return { kind: 'ours' };
  }

  /** Another broker over the same claims. */
  ofPrefix(prefix: string): MemoryAppClaim {
    return new MemoryAppClaim(this.clock, prefix, this.claims);
  }
}

/** Probes among the brokers of one process. */
export class MemorySharedProbes extends SharedProbes {
  private readonly attempts: ExpiringMap<{ readonly id: string; readonly isRefused: boolean }>;

  constructor(clock: Clock) {
    super();
    this.attempts = new ExpiringMap(clock, MAX_ATTEMPTS);
  }

  override async claim(token: ProbedToken, durationMs: number): Promise<ProbeClaim> {
    const key = attemptKey(token);
    const there = this.attempts.get(key);
    if (there) return { kind: 'theirs', ...there };
    const id = randomUUID();
    this.attempts.set(key, { id, isRefused: false }, durationMs);
    return { kind: 'ours', attempt: { ...token, id } };
  }

  override async finish(attempt: ProbeAttempt, isRefused: boolean, keptMs: number): Promise<void> {
    const key = attemptKey(attempt);
    const there = this.attempts.get(key);
    if (there?.id !== attempt.id || there.isRefused) return;
    if (isRefused) this.attempts.set(key, { ...there, isRefused }, keptMs);
    else this.attempts.delete(key);
  }
}

function attemptKey({ app, value }: ProbedToken): string {
  return `${identityKey(app)} ${value}`;
}

/** How many entries are looked at for their end whenever one is added. */
const SWEPT_PER_SET = 4;

/** Entries that end by themselves. When there are too many, the oldest go first. */
export class ExpiringMap<Value> {
  /** Who was set last stands last. */
  private readonly entries = new Map<string, { readonly value: Value; readonly untilMonoMs: number }>();
  private sweep: IterableIterator<[string, { readonly untilMonoMs: number }]> | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly max: number,
  ) {}

  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    return entry && entry.untilMonoMs > this.clock.monotonicMs() ? entry.value : undefined;
  }

  set(key: string, value: Value, lifeMs: number): void {
    this.sweepSome();
    this.entries.delete(key);
    this.entries.set(key, { value, untilMonoMs: this.clock.monotonicMs() + lifeMs });
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.max) break;
      this.entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Goes on through the entries, a few at a time, and begins anew at the end. */
  private sweepSome(): void {
    const nowMonoMs = this.clock.monotonicMs();
    for (let count = 0; count < SWEPT_PER_SET; count += 1) {
      this.sweep ??= this.entries.entries();
      const next = this.sweep.next();
      if (next.done) {
        this.sweep = null;
        return;
      }
      const [key, { untilMonoMs }] = next.value;
      if (untilMonoMs <= nowMonoMs) this.entries.delete(key);
    }
  }
}
