import type { ErrorCode } from '../error-code.js';
import type { AppIdentity } from '../app-definition.js';
import type { Budget, BudgetName, Charge, DayCount } from '../refresh/budgets.js';
import type { Lease } from './refresh-lease.js';
import type { FetchReason, TokenRecord } from '../token.js';
import type { RefusalClass } from './token-issuer.js';

/** Why the next fetch has to wait, shared by all replicas. */
export interface BackOff {
  /** On the store's clock. */
  readonly untilMs: number;
  /** `unavailable`: the platform gave no answer that can be used. */
  readonly class: RefusalClass | 'unavailable';
  /** The platform's last errcode, or null when there was no answer. */
  readonly errcode: ErrorCode | null;
  /** For people; holds no secret. */
  readonly message: string;
  /** Names the AppID and AppSecret that were refused, by a short hash; null where they are not the reason. */
  readonly credential: string | null;
  /** The platform's stable name for why there was no answer; left out where there was one, or nothing is known. */
  readonly fault?: string | undefined;
  /** When it was set. */
  readonly atMs: number;
}

/** A request to the platform whose outcome nobody has stored yet. */
export interface Intent {
  readonly fence: number;
  /** The store's time when it began. */
  readonly atMs: number;
}

/** All that the store knows of an app at one instant. */
export interface StoreView {
  readonly record: TokenRecord | null;
  /** The highest fence ever given out. Outlives the record. */
  readonly fence: number;
  /** Generations up to and including this one may be dead. */
  readonly suspect: number;
  /** Generations up to and including this one are suspect because the store had lost something. Never above `suspect`. */
  readonly rolledBack: number;
  readonly intent: Intent | null;
  /** The store's time of the last begin; 0 if there was none. */
  readonly beganAtMs: number;
  readonly backOff: BackOff | null;
  /** Consecutive fetches that brought no token. */
  readonly failures: number;
  /** The platform's day of the last begin, and what was counted on it. */
  readonly day: number;
  readonly count: DayCount;
  /** The store's clock when it answered. */
  readonly nowMs: number;
}

export interface BeginRequest {
  readonly lease: Lease;
  /** What it counts against besides the day's budget. */
  readonly charge: Charge | null;
  /** The generation that the caller wants replaced; a newer, living record is adopted instead of fetching. */
  readonly seenGeneration: number;
  /** The highest generation that this replica ever saw. */
  readonly highestKnown: number;
  /** Back-offs that do not hold this fetch up. `mendable`: those of what a person may have mended since. */
  readonly ignoreBackOff: 'none' | 'mendable' | 'all';
  /** As in a back-off, of what this fetch is sent with; null: as if it had been refused already. */
  readonly credential: string | null;
  readonly budget: Budget;
  readonly leaseMs: number;
}

/** The right to send one request to the platform. */
export interface FetchPermit {
  readonly fence: number;
  /** An earlier request is so young that the platform may process it after this one: the new token starts as suspect. */
  readonly overlapping: boolean;
  /** The platform's day that it counts on. */
  readonly day: number;
  /** The store as it was, but for the fence: `record` is the base, `nowMs` the instant from which the new token's life counts. */
  readonly view: StoreView;
}

export type BeginResult =
  | { readonly kind: 'granted'; readonly permit: FetchPermit }
  /** Somebody else rotated in the meantime: adopt the view's record. */
  | { readonly kind: 'moved'; readonly view: StoreView }
  | { readonly kind: 'lease_lost'; readonly view: StoreView }
  | { readonly kind: 'backing_off'; readonly view: StoreView }
  | { readonly kind: 'budget_exhausted'; readonly budget: BudgetName; readonly view: StoreView };

export interface CommitRequest {
  readonly permit: FetchPermit;
  readonly value: string;
  readonly expiresInMs: number;
  readonly tokenType?: string | undefined;
  readonly owner: string;
  readonly reason: FetchReason;
}

/** `superseded`: a later fetch was stored first; this token was dropped, and what is stored is suspect. */
export interface CommitResult {
  readonly kind: 'committed' | 'superseded';
  readonly view: StoreView;
}

/** What held a fetch up, with a relative delay, because only the store knows its own time. */
export type FailedFetch = Omit<BackOff, 'untilMs' | 'atMs'> & { readonly delayMs: number };

export interface AbortRequest {
  /** Of a fetch that was sent without the store only its fence and day are known. */
  readonly permit: Pick<FetchPermit, 'fence' | 'day'>;
  /** As in the begin: what was not sent is given back to the budget. */
  readonly charge: Charge | null;
  /**
   * `not_sent` and `refused` close the intent. `unknown` leaves it open, so that the next holder knows that a token may
   * have been minted.
   */
  readonly outcome: 'not_sent' | 'refused' | 'unknown';
  /** Null: the next fetch need not wait. */
  readonly backOff: FailedFetch | null;
}

/** What a replica knows when it merges with the store. */
export interface KnownRecord {
  /** The newest one that it holds. */
  readonly record: TokenRecord | null;
  /** The highest generation that it committed itself. */
  readonly committed: number;
}

/**
 * What was written to the store since a replica last asked. `since`: every app whose state another replica wrote is among
 * `keys`, by its `identityKey`; others may be, too. `gap`: some may be missing, so every app has to be read. Ask with
 * `cursor` the next time. `unsupported`: the store keeps no list for this broker.
 */
export type Changes =
  | { readonly kind: 'since'; readonly keys: ReadonlySet<string>; readonly cursor: string }
  | { readonly kind: 'gap'; readonly cursor: string }
  | { readonly kind: 'unsupported' };

/**
 * What the replicas share: per app the current record, the fence and the state of the fetch in flight. Each method is
 * one atomic step of `TransitionTable` on the store's own clock. Every method rejects with a `StoreUnavailableError` when the store cannot
 * answer; whether the step was taken is then unknown, and taking it again is harmless.
 *
 * The rules, and why each is there, are in docs/refresh-protocol.md.
 */
export abstract class TokenStore {
  /** What a replica finds that knows nothing. */
  read(app: AppIdentity): Promise<StoreView> {
    return this.reconcile(app, { record: null, committed: 0 });
  }

  /** Takes the next fence and leaves an intent, if the lease still holds, nothing newer is stored, and budget and back-off allow it. */
  abstract begin(app: AppIdentity, request: BeginRequest): Promise<BeginResult>;

  /** Stores a fetched token, unless a later fetch was stored before it. Needs no lease. Twice is the same as once. */
  abstract commit(app: AppIdentity, request: CommitRequest): Promise<CommitResult>;

  /** Ends a fetch that brought no token. */
  abstract abort(app: AppIdentity, request: AbortRequest): Promise<StoreView>;

  /**
   * Merges what this replica holds with what is stored, by maximum. A store that fell behind, or that lost a
   * generation which this replica committed, is re-seeded and suspect.
   */
  abstract reconcile(app: AppIdentity, known: KnownRecord): Promise<StoreView>;

  /**
   * Which apps have changed. A hint like the feed, though a better one: an entry may be lost without a `gap`, when its
   * writer dies or when the list and the app are not on one node.
   *
   * @param since the cursor of the last answer; null at first, which is a gap
   */
  abstract changes(since: string | null): Promise<Changes>;

  /** Nobody here uses the app any more: what is stored of it goes within a day, unless somebody writes to it meanwhile. */
  abstract expire(app: AppIdentity): Promise<void>;
}
