import type { RefreshSettings } from '../app-definition.js';
import { refreshDueAtMs } from './policy.js';
import type { TokenRecord } from '../token.js';

/** No grace is counted on for longer than a 24th of the token's life: that is the shortest of any platform. */
const GRACES_PER_LIFE = 24;
/** A token that may be replaced at any moment is kept no longer, whatever the platform's rule. */
const MAX_SUSPECT_MS = 300_000;
/** For the way of the answer, a slow clock, a call that is under way, and a replica that rotated a moment ago. */
const MAX_MARGIN_MS = 30_000;

export interface CacheableToken {
  readonly record: TokenRecord;
  /** Until it expires; above 0. */
  readonly leftMs: number;
  readonly refresh: Pick<RefreshSettings, 'aheadMs' | 'jitterMs'>;
  /** How long the platform takes it after the rotation; see `graceMsOf`. */
  readonly graceMs: number;
  /** It may be replaced at any moment, ahead of the plan. */
  readonly isSuspect: boolean;
}

/**
 * For how many milliseconds from now a caller may keep the token without asking again, if it keeps it for all of that
 * time: to the end of the overlap after the earliest planned rotation, less a margin. Above 0 and below `leftMs`.
 * A rotation that nobody planned, after a report say, can end it sooner.
 */
export function cacheableMs({ record, leftMs, refresh, graceMs, isSuspect }: CacheableToken): number {
  const lifeMs = record.expiresAtMs - record.issuedAtMs;
  const endsWithRotation = graceMs < Infinity;
  const overlapMs = Math.min(graceMs, lifeMs / GRACES_PER_LIFE, isSuspect ? MAX_SUSPECT_MS : Infinity);
  const untilRotationMs = isSuspect
    ? 0
    : Math.max(0, leftMs - (record.expiresAtMs - refreshDueAtMs(record, refresh, 0)));
  const isEndedEarly = endsWithRotation || isSuspect;
  const usableMs = isEndedEarly ? Math.min(leftMs, untilRotationMs + overlapMs) : leftMs;
  return usableMs - Math.min(MAX_MARGIN_MS, usableMs / 10);
}
