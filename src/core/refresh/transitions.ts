import { counted, countOn, dayOf, exhaustedBudget, NO_COUNT, type DayCount } from './budgets.js';
import { DAY_MS } from '../ports/clock.js';
import { holdsUp, isOverlapping } from './policy.js';
import type {
  AbortRequest,
  BackOff,
  BeginRequest,
  BeginResult,
  CommitRequest,
  CommitResult,
  FetchPermit,
  Intent,
  KnownRecord,
  StoreView,
} from '../ports/token-store.js';
import type { TokenRecord } from '../token.js';

/** No fence or generation is further ahead of the store's clock: a broker takes them from that clock. */
const MAX_AHEAD_MS = DAY_MS;

/** All that the replicas share of one app, as plain data. Times are the store's, in milliseconds since the Unix epoch. */
export interface StoredState {
  readonly record: TokenRecord | null;
  /** The highest fence ever given out. */
  readonly fence: number;
  /** Generations up to and including this one may be dead. */
  readonly suspect: number;
  /** Generations up to and including this one are suspect because the store had lost something. */
  readonly rolledBack: number;
  /** `inDoubt`: when it began, an older request's outcome was open. */
  readonly intent: (Intent & { readonly inDoubt: boolean }) | null;
  /** Of the last begin; 0 if there was none. */
  readonly beganAtMs: number;
  readonly backOff: BackOff | null;
  /** Consecutive fetches that brought no token. */
  readonly failures: number;
  /** The platform's day that the counts are of. */
  readonly day: number;
  readonly count: DayCount;
  /** The unproven ones by caller. */
  readonly clients: Readonly<Record<string, number>>;
}

export const NO_STATE: StoredState = {
  record: null,
  fence: 0,
  suspect: 0,
  rolledBack: 0,
  intent: null,
  beganAtMs: 0,
  backOff: null,
  failures: 0,
  day: 0,
  count: NO_COUNT,
  clients: {},
};

/** What a transition leads to. `state` is the very same object where nothing has to be stored. */
export interface Transition<Result> {
  readonly state: StoredState;
  readonly result: Result;
}

/** The highest fence or generation that can be right at this time of the store. */
export function maxFence(nowMs: number): number {
  return Math.floor(nowMs) + MAX_AHEAD_MS;
}

/** As good as unknown where it cannot be right: a store clock that jumped may have made it. */
export function plausibleFence(fence: number, nowMs: number): number {
  return fence <= maxFence(nowMs) ? fence : 0;
}

function viewOf(state: StoredState, nowMs: number): StoreView {
  return {
    record: state.record,
    fence: state.fence,
    suspect: state.suspect,
    rolledBack: state.rolledBack,
    intent: state.intent && { fence: state.intent.fence, atMs: state.intent.atMs },
    beganAtMs: state.beganAtMs,
    backOff: state.backOff,
    failures: state.failures,
    day: state.day,
    count: state.count,
    nowMs,
  };
}

/** The record that a commit is about to store, as long as nobody committed since it began. */
export function recordOf({
  permit,
  value,
  expiresInMs,
  tokenType,
  owner,
  reason,
}: Omit<CommitRequest, 'permit'> & {
  readonly permit: Pick<FetchPermit, 'fence'> & { readonly view: Pick<StoreView, 'record' | 'nowMs'> };
}): TokenRecord {
  const { record: base, nowMs } = permit.view;
  return {
    generation: permit.fence,
    base: base?.generation ?? 0,
    since: base?.value === value ? base.since : permit.fence,
    value,
    issuedAtMs: nowMs,
    expiresAtMs: nowMs + expiresInMs,
    // As it is read from a store: a type that is undefined is not there.
    ...(tokenType !== undefined && { tokenType }),
    owner,
    reason,
  };
}

/**
 * The transition table of the refresh protocol: pure functions from one state to the next, which every store applies
 * atomically. Why each rule is there is in docs/refresh-protocol.md.
 */
export class TransitionTable {
  /** @param isLeaseHeld whether the store still has the request's lease */
  begin(
    state: StoredState,
    request: BeginRequest,
    nowMs: number,
    isLeaseHeld: boolean,
  ): Transition<BeginResult> {
    const view = viewOf(state, nowMs);
    const { record, backOff } = state;
    const refused = (result: BeginResult): Transition<BeginResult> => ({ state, result });
    if (!isLeaseHeld) return refused({ kind: 'lease_lost', view });
    if (record && record.generation > request.seenGeneration && record.expiresAtMs > nowMs) {
      return refused({ kind: 'moved', view });
    }
    if (holdsUp(backOff, nowMs, request)) return refused({ kind: 'backing_off', view });
    const { charge } = request;
    const day = dayOf(nowMs, request.budget.dayOffsetMs);
    const today = countOn(state, day);
    const clients = state.day === day ? state.clients : {};
    const ofClient = charge ? (clients[charge.client] ?? 0) : 0;
    const budget = exhaustedBudget(today, ofClient, charge, request.budget);
    if (budget) return refused({ kind: 'budget_exhausted', budget, view });
    const fence = Math.max(
      state.fence + 1,
      (record?.generation ?? 0) + 1,
      state.suspect + 1,
      plausibleFence(request.highestKnown, nowMs) + 1,
      Math.floor(nowMs),
    );
    const next = {
      ...state,
      fence,
      intent: { fence, atMs: nowMs, inDoubt: state.intent !== null },
      beganAtMs: nowMs,
      day,
      count: counted(today, charge),
      clients: charge?.pool === 'unproven' ? { ...clients, [charge.client]: ofClient + 1 } : clients,
    };
    const overlapping = isOverlapping(view, request.leaseMs);
    return {
      state: next,
      result: { kind: 'granted', permit: { fence, overlapping, day, view: { ...view, fence } } },
    };
  }

  commit(state: StoredState, request: CommitRequest, nowMs: number): Transition<CommitResult> {
    const { permit } = request;
    const done = (kind: CommitResult['kind'], next: StoredState): Transition<CommitResult> => ({
      state: next,
      result: { kind, view: viewOf(next, nowMs) },
    });
    const generation = state.record?.generation ?? 0;
    const isRepeated = generation === permit.fence || state.record?.base === permit.fence;
    if (isRepeated) return done('committed', state);
    const closed = state.intent?.fence === permit.fence ? { ...state, intent: null } : state;
    if (this.isLate(state, permit.fence)) return done('superseded', this.suspectUpTo(closed, closed.fence));
    const fence = Math.max(state.fence, permit.fence);
    const record = recordOf(request);
    const isBaseStored = generation === record.base;
    const trusted = !isBaseStored || permit.overlapping ? this.suspectUpTo(closed, fence) : closed;
    return done('committed', {
      ...trusted,
      fence,
      record: isBaseStored ? record : { ...record, since: permit.fence },
      backOff: null,
      failures: 0,
    });
  }

  abort(state: StoredState, request: AbortRequest, nowMs: number): Transition<StoreView> {
    const next = this.withBackOff(
      this.withRefund(this.withOutcome(state, request, nowMs), request),
      request,
      nowMs,
    );
    return { state: next, result: viewOf(next, nowMs) };
  }

  reconcile(state: StoredState, { record, committed }: KnownRecord, nowMs: number): Transition<StoreView> {
    const stored = state.record?.generation ?? 0;
    const held = plausibleFence(record?.generation ?? 0, nowMs);
    const ownCommit = plausibleFence(committed, nowMs);
    let next = state;
    if (record && held > stored) {
      // Fetches that this store knows nothing of may be under way.
      const filled = { ...state, record, fence: Math.max(state.fence, held), beganAtMs: nowMs };
      next = this.suspectAsLost(filled, held);
    } else if (state.record && stored > ownCommit && state.record.base < ownCommit) {
      next = this.suspectAsLost(state, stored);
    }
    return { state: next, result: viewOf(next, nowMs) };
  }

  protected isLate(state: StoredState, fence: number): boolean {
    return fence < (state.record?.generation ?? 0);
  }

  /** Returns the same state if that much is suspect already. */
  protected suspectUpTo(state: StoredState, upTo: number): StoredState {
    return upTo > state.suspect ? { ...state, suspect: upTo } : state;
  }

  private suspectAsLost(state: StoredState, upTo: number): StoredState {
    const suspected = this.suspectUpTo(state, upTo);
    return upTo > suspected.rolledBack ? { ...suspected, rolledBack: upTo } : suspected;
  }

  private withOutcome(state: StoredState, { permit, outcome }: AbortRequest, nowMs: number): StoredState {
    const { intent } = state;
    const isNewest = intent?.fence === permit.fence;
    if (outcome !== 'unknown') {
      return isNewest && !intent.inDoubt ? { ...state, intent: null } : state;
    }
    // Somebody began after this fetch, whose token may have been minted after theirs.
    const suspected = isNewest ? state : this.suspectUpTo(state, state.fence);
    // It may have been sent late, or the store may have lost its begin: from now on it counts as under way.
    const { fence, atMs } = intent ?? { fence: permit.fence, atMs: nowMs };
    return { ...suspected, intent: { fence, atMs, inDoubt: true }, beganAtMs: nowMs };
  }

  private withRefund(state: StoredState, { permit, charge, outcome }: AbortRequest): StoredState {
    if (outcome !== 'not_sent' || state.day !== permit.day) return state;
    const { clients } = state;
    const ofClient = charge?.pool === 'unproven' ? clients[charge.client] : undefined;
    return {
      ...state,
      count: counted(state.count, charge, -1),
      clients: charge && ofClient ? { ...clients, [charge.client]: ofClient - 1 } : clients,
    };
  }

  private withBackOff(state: StoredState, { backOff }: AbortRequest, nowMs: number): StoredState {
    if (!backOff) return state;
    const { delayMs, ...why } = backOff;
    return {
      ...state,
      backOff: { ...why, atMs: nowMs, untilMs: nowMs + delayMs },
      failures: state.failures + 1,
    };
  }
}
