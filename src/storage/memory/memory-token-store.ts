import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import {
  NO_STATE,
  TransitionTable,
  type StoredState,
  type Transition,
} from '../../core/refresh/transitions.js';
import type { Clock } from '../../core/ports/clock.js';
import {
  TokenStore,
  type AbortRequest,
  type BeginRequest,
  type BeginResult,
  type Changes,
  type CommitRequest,
  type CommitResult,
  type KnownRecord,
  type StoreView,
} from '../../core/ports/token-store.js';
import type { MemoryRefreshLease } from './memory-coordination.js';

/** As in Redis. */
const MAX_CHANGES = 10_000;

/**
 * The state of each app in this process. Its clock is the wall clock at the start plus monotonic time, so that a stepped
 * wall clock shortens no token's life.
 */
export class MemoryTokenStore extends TokenStore {
  private readonly states = new Map<string, StoredState>();
  private readonly epochMs: number;
  /** The last apps that were written to, oldest first. */
  private readonly changed: string[] = [];
  /** How many were written to before those. */
  private forgotten = 0;

  constructor(
    private readonly clock: Clock,
    private readonly lease: MemoryRefreshLease,
    private readonly table = new TransitionTable(),
    private readonly maxChanges = MAX_CHANGES,
  ) {
    super();
    this.epochMs = clock.wallMs() - clock.monotonicMs();
  }

  override async begin(app: AppIdentity, request: BeginRequest): Promise<BeginResult> {
    const isHeld = this.lease.isHeld(request.lease);
    return this.step(app, (state, nowMs) => this.table.begin(state, request, nowMs, isHeld));
  }

  override async commit(app: AppIdentity, request: CommitRequest): Promise<CommitResult> {
    return this.step(app, (state, nowMs) => this.table.commit(state, request, nowMs));
  }

  override async abort(app: AppIdentity, request: AbortRequest): Promise<StoreView> {
    return this.step(app, (state, nowMs) => this.table.abort(state, request, nowMs));
  }

  override async reconcile(app: AppIdentity, known: KnownRecord): Promise<StoreView> {
    return this.step(app, (state, nowMs) => this.table.reconcile(state, known, nowMs));
  }

  override changes(since: string | null): Promise<Changes> {
    const { changed, forgotten } = this;
    const cursor = String(forgotten + changed.length);
    const from = since === null ? -1 : Number(since) - forgotten;
    if (!(from >= 0)) return Promise.resolve({ kind: 'gap', cursor });
    return Promise.resolve({ kind: 'since', keys: new Set(changed.slice(from)), cursor });
  }

  override expire(app: AppIdentity): Promise<void> {
    this.states.delete(identityKey(app));
    return Promise.resolve();
  }

  private step<Result>(
    app: AppIdentity,
    take: (state: StoredState, nowMs: number) => Transition<Result>,
  ): Result {
    const key = identityKey(app);
    const before = this.states.get(key) ?? NO_STATE;
    const { state, result } = take(before, this.epochMs + this.clock.monotonicMs());
    this.states.set(key, state);
    if (state !== before) this.note(key);
    return result;
  }

  protected note(key: string): void {
    this.changed.push(key);
    if (this.changed.length <= this.maxChanges) return;
    this.changed.shift();
    this.forgotten += 1;
  }
}
