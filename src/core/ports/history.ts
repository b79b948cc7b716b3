import type { ErrorCode } from '../error-code.js';
import type { AppName } from '../token.js';
import { DAY_MS } from './clock.js';

export const HISTORY_KINDS = [
  'rotated',
  'fetch_failed',
  'reported',
  'suspected',
  'healed',
  'died_early',
  'forced',
  'probed',
] as const;
export type HistoryKind = (typeof HISTORY_KINDS)[number];

/** What is kept of something that happened to an app's token. Holds no secret and no token; a token is there as its `fingerprint`. */
export interface HistoryEvent {
  /** Different from that of every other event, of all replicas. */
  readonly id: string;
  /** On the wall clock of the replica. */
  readonly atMs: number;
  readonly app: AppName;
  readonly replica: string;
  readonly kind: HistoryKind;
  readonly generation: number | null;
  readonly fingerprint: string | null;
  /** Why a token was fetched or is suspect; of a forced one what the person said. */
  readonly reason: string | null;
  /** The client that reported, forced or tried. */
  readonly caller: string | null;
  /** What came of it, in a word. */
  readonly result: string | null;
  readonly errcode: ErrorCode | null;
  readonly message: string | null;
  readonly remedy: string | null;
  readonly durationMs: number | null;
}

/** Of each app; the oldest go first. */
export const MAX_HISTORY_MS = 7 * DAY_MS;

export interface HistoryPage {
  /** The newest first. */
  readonly events: readonly HistoryEvent[];
  /** For `before`, to get the ones before these; null when there are none. */
  readonly next: string | null;
}

export interface HistoryTail {
  readonly events: readonly HistoryEvent[];
  /** For the next `tail`. */
  readonly cursor: string;
}

/**
 * What happened to the tokens of all apps, on all replicas, over 7 days. It may lose events: it is there to be looked at, and
 * nothing is decided by it.
 */
export abstract class History {
  /** @throws StoreUnavailableError; the events may be there all the same, and adding them again does no harm */
  abstract append(events: readonly HistoryEvent[]): Promise<void>;

  /**
   * @param before `next` of the page before
   * @throws StoreUnavailableError
   */
  abstract page(app: AppName, before: string | null, limit: number): Promise<HistoryPage>;

  /**
   * What was added since, of all apps, as far as it is still there.
   *
   * @param cursor null: nothing, but where to go on from
   * @throws StoreUnavailableError
   */
  abstract tail(cursor: string | null): Promise<HistoryTail>;
}
