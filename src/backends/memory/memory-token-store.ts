import type { Clock } from '../../core/clock.js';
import { dayOfUtc8, isOverlapping } from '../../core/renewal-policy.js';
import {
  TokenStore,
  recordOf,
  type AbortRequest,
  type BackOff,
  type BeginRequest,
  type BeginResult,
  type CommitRequest,
  type CommitResult,
  type Intent,
  type StoreView,
} from '../../core/token-store.js';
import type { AppName, TokenRecord } from '../../core/token.js';
import type { MemoryRefreshLease } from './memory-refresh-lease.js';

/** One app's shared state. Mutable inside this file only. */
export interface StoredApp {
  record: TokenRecord | null;
  fence: number;
  suspect: number;
  rolledBack: number;
  /** `inDoubt`: when it began, an older request's outcome was open. */
  intent: (Intent & { readonly inDoubt: boolean }) | null;
  beganAtMs: number;
  backOff: BackOff | null;
  failures: number;
  day: number;
  fetches: number;
  forced: number;
}

/**
 * The transition table of the refresh protocol, in process. Its clock is the wall clock at the start plus monotonic
 * time, so that a stepped wall clock shortens no token's life.
 */
export class MemoryTokenStore extends TokenStore {
  private readonly apps = new Map<AppName, StoredApp>();
  private readonly epochMs: number;

  constructor(
    private readonly clock: Clock,
    private readonly lease: MemoryRefreshLease,
  ) {
    super();
    this.epochMs = clock.wallMs() - clock.monotonicMs();
  }

  override async read(app: AppName): Promise<StoreView> {
    return this.view(this.stored(app));
  }

  override async begin(app: AppName, request: BeginRequest): Promise<BeginResult> {
    const state = this.stored(app);
    const view = this.view(state);
    const nowMs = view.nowMs;
    const { record, backOff } = state;
    if (!this.lease.isHeld(request.lease)) return { kind: 'lease_lost', view };
    if (record && record.generation > request.seenGeneration && record.expiresAtMs > nowMs) {
      return { kind: 'moved', view };
    }
    if (backOff && backOff.untilMs > nowMs && !ignores(request, backOff))
      return { kind: 'backing_off', view };
    if (view.today.fetches >= request.budget.daily)
      return { kind: 'budget_exhausted', budget: 'daily', view };
    if (request.forced && view.today.forced >= request.budget.forcedDaily) {
      return { kind: 'budget_exhausted', budget: 'forced', view };
    }
    const overlapping = isOverlapping(view, request.leaseMs);
    const generation = record?.generation ?? 0;
    state.fence = Math.max(
      state.fence + 1,
      generation + 1,
      state.suspect + 1,
      request.highestKnown + 1,
      Math.floor(nowMs),
    );
    state.intent = { fence: state.fence, atMs: nowMs, inDoubt: view.intent !== null };
    state.beganAtMs = nowMs;
    state.day = dayOfUtc8(nowMs);
    state.fetches = view.today.fetches + 1;
    state.forced = view.today.forced + (request.forced ? 1 : 0);
    return {
      kind: 'granted',
      grant: { fence: state.fence, overlapping, view: { ...view, fence: state.fence } },
    };
  }

  override async commit(app: AppName, request: CommitRequest): Promise<CommitResult> {
    const state = this.stored(app);
    const { grant } = request;
    const generation = state.record?.generation ?? 0;
    const isRepeated = generation === grant.fence || state.record?.base === grant.fence;
    if (isRepeated) return { kind: 'committed', view: this.view(state) };
    if (state.intent?.fence === grant.fence) state.intent = null;
    if (this.isLate(state, grant.fence)) {
      this.distrust(state, state.fence);
      return { kind: 'superseded', view: this.view(state) };
    }
    const record = recordOf(request);
    const isBaseStored = generation === record.base;
    if (!isBaseStored || grant.overlapping) this.distrust(state, Math.max(state.fence, grant.fence));
    state.fence = Math.max(state.fence, grant.fence);
    state.record = isBaseStored ? record : { ...record, since: grant.fence };
    state.backOff = null;
    state.failures = 0;
    return { kind: 'committed', view: this.view(state) };
  }

  override async abort(app: AppName, request: AbortRequest): Promise<StoreView> {
    const state = this.stored(app);
    const { grant, outcome } = request;
    const isNewest = state.intent?.fence === grant.fence;
    // Somebody began after this fetch, whose token may have been minted after theirs.
    if (outcome === 'unknown' && !isNewest) this.distrust(state, state.fence);
    if (outcome === 'unknown') {
      // It may have been sent late, or the store may have lost its begin: from now on it counts as under way.
      const atMs = this.nowMs();
      state.intent = { fence: grant.fence, atMs, ...state.intent, inDoubt: true };
      state.beganAtMs = atMs;
    }
    if (outcome !== 'unknown' && isNewest && !state.intent?.inDoubt) state.intent = null;
    if (outcome === 'not_sent' && state.day === dayOfUtc8(grant.view.nowMs)) {
      state.fetches -= 1;
      state.forced -= request.forced ? 1 : 0;
    }
    if (request.backOff) {
      const { delayMs, ...why } = request.backOff;
      const atMs = this.nowMs();
      state.backOff = { ...why, atMs, untilMs: atMs + delayMs };
      state.failures += 1;
    }
    return this.view(state);
  }

  override async reconcile(
    app: AppName,
    known: { readonly record: TokenRecord | null; readonly committed: number },
  ): Promise<StoreView> {
    const state = this.stored(app);
    const stored = state.record?.generation ?? 0;
    const held = known.record?.generation ?? 0;
    if (known.record && held > stored) {
      state.record = known.record;
      state.fence = Math.max(state.fence, held);
      // Fetches that this store knows nothing of may be under way.
      state.beganAtMs = this.nowMs();
      this.distrustAsLost(state, held);
    } else if (state.record && stored > known.committed && state.record.base < known.committed) {
      this.distrustAsLost(state, stored);
    }
    return this.view(state);
  }

  private distrustAsLost(state: StoredApp, upTo: number): void {
    state.rolledBack = Math.max(state.rolledBack, upTo);
    this.distrust(state, upTo);
  }

  protected isLate(state: StoredApp, fence: number): boolean {
    return fence < (state.record?.generation ?? 0);
  }

  protected distrust(state: StoredApp, upTo: number): void {
    state.suspect = Math.max(state.suspect, upTo);
  }

  private stored(app: AppName): StoredApp {
    let state = this.apps.get(app);
    if (!state) {
      state = {
        record: null,
        fence: 0,
        suspect: 0,
        rolledBack: 0,
        intent: null,
        beganAtMs: 0,
        backOff: null,
        failures: 0,
        day: 0,
        fetches: 0,
        forced: 0,
      };
      this.apps.set(app, state);
    }
    return state;
  }

  private nowMs(): number {
    return this.epochMs + this.clock.monotonicMs();
  }

  private view(state: StoredApp): StoreView {
    const nowMs = this.nowMs();
    const isToday = state.day === dayOfUtc8(nowMs);
    return {
      record: state.record,
      fence: state.fence,
      suspect: state.suspect,
      rolledBack: state.rolledBack,
      intent: state.intent && { fence: state.intent.fence, atMs: state.intent.atMs },
      beganAtMs: state.beganAtMs,
      backOff: state.backOff,
      failures: state.failures,
      today: { fetches: isToday ? state.fetches : 0, forced: isToday ? state.forced : 0 },
      nowMs,
    };
  }
}

function ignores(request: BeginRequest, backOff: BackOff): boolean {
  return (
    request.ignoreBackOff === 'all' ||
    (request.ignoreBackOff === 'day_quota' && backOff.class === 'day_quota')
  );
}
