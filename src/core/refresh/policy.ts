import type { RefreshSettings } from '../app-definition.js';
import type { IssuanceRule } from '../ports/token-issuer.js';
import type { BackOff, BeginRequest, StoreView } from '../ports/token-store.js';
import type { TokenRecord } from '../token.js';
import { countOn, dayOf, nextDayAtMs } from './budgets.js';

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

const MAX_REASK_MS = 20 * SECOND_MS;
const MIN_REASK_MS = SECOND_MS;
const MAX_BACK_OFF_MS = MINUTE_MS;
const MAX_PACED_MS = 15 * MINUTE_MS;
/** While a token lives: a wrong answer costs no more than half a minute, and a person has time to act. */
const CONFIGURATION_WAITS_MS = [20 * SECOND_MS, MINUTE_MS, 5 * MINUTE_MS] as const;
/** Without a living token: nothing but a person can help, and a person can force an attempt. */
const FIRST_CONFIGURATION_WAIT_MS = 5 * MINUTE_MS;
const MAX_CONFIGURATION_WAIT_MS = 30 * MINUTE_MS;
/** What one attempt before the end of a token needs. */
const MAX_ATTEMPT_MS = 10 * SECOND_MS;

type AheadAndJitter = Pick<RefreshSettings, 'aheadMs' | 'jitterMs'>;

/**
 * When to fetch the record's successor, on the store's clock. `random` is uniform in [0, 1).
 *
 * Always before expiry. A platform that handed the same token out again is asked again after a tenth of what is left,
 * but not before the platform can have another: its shorter life is no failure.
 */
export function refreshDueAtMs(
  record: TokenRecord,
  settings: AheadAndJitter,
  random: number,
  rule?: IssuanceRule,
): number {
  const lifeMs = record.expiresAtMs - record.issuedAtMs;
  if (record.since < record.generation) {
    const windowMs = Math.min(settings.aheadMs, rule ? windowMsOf(rule) : Infinity);
    return Math.max(record.expiresAtMs - windowMs, record.issuedAtMs + reaskDelayMs(lifeMs));
  }
  const aheadMs = Math.min(settings.aheadMs, lifeMs / 2);
  const jitterMs = Math.min(settings.jitterMs, lifeMs / 10, aheadMs / 2);
  return record.expiresAtMs - aheadMs + (2 * random - 1) * jitterMs;
}

/** Between two fetches that may find a dead token replaced which the platform returned `tries` times: 30 s to 15 min. */
export function returnedDeadWaitMs(tries: number): number {
  return Math.min(MAX_PACED_MS, (MINUTE_MS / 2) * 2 ** Math.min(tries - 1, 10));
}

/**
 * Until a platform that gives the same token to its end is asked for the next one again: from 0.25 s to 8 s, half of the time
 * since the end. Callers wait, and what failed before the end says nothing about how long the platform still takes.
 */
export function successorWaitMs(sinceEndMs: number): number {
  return Math.min(8 * SECOND_MS, Math.max(SECOND_MS / 4, sinceEndMs / 2));
}

/** How long the platform takes a token after its successor was minted, in milliseconds; `Infinity`: to its own end. */
export function graceMsOf({ previous }: IssuanceRule): number {
  return previous === 'stays_valid' ? Infinity : previous.graceMs;
}

/** How long before a token's end the platform gives the next one; `Infinity` where any fetch has an effect. */
export function windowMsOf({ repeats, renewsOnFetch }: IssuanceRule): number {
  return repeats === 'never' || renewsOnFetch ? Infinity : repeats.sameUntilMs;
}

/**
 * How long before expiry a token is replaced without the store, if need be: in the last tenth of its life and at most
 * the last minute, spread so that two replicas seldom do it at once.
 */
export function lastChanceMs(record: TokenRecord, random: number): number {
  const lifeMs = record.expiresAtMs - record.issuedAtMs;
  return Math.min(MINUTE_MS, lifeMs / 10) * (0.5 + random / 2);
}

/** How long to wait before asking again for a token that came back the same, with `leftMs` of its life left. */
export function reaskDelayMs(leftMs: number): number {
  return Math.min(MAX_REASK_MS, Math.max(leftMs / 10, Math.min(MIN_REASK_MS, leftMs / 2)));
}

/**
 * Whether the back-off holds this fetch up. A refused AppID or AppSecret says nothing of another one: a person has
 * corrected it on this replica, and will on the others.
 */
export function holdsUp(
  backOff: BackOff | null,
  nowMs: number,
  { ignoreBackOff, credential }: Pick<BeginRequest, 'ignoreBackOff' | 'credential'>,
): boolean {
  if (!backOff || backOff.untilMs <= nowMs || ignoreBackOff === 'all') return false;
  const isMendable = backOff.class === 'day_quota' || backOff.class === 'configuration';
  if (isMendable && ignoreBackOff === 'mendable') return false;
  return backOff.credential === null || credential === null || backOff.credential === credential;
}

/** Full jitter between 1 s and a ceiling that doubles from 2 s to 60 s. `failures` counts this one. */
export function backOffDelayMs(failures: number, random: number): number {
  const ceilingMs = Math.min(MAX_BACK_OFF_MS, SECOND_MS * 2 ** Math.min(failures, 10));
  return SECOND_MS + random * (ceilingMs - SECOND_MS);
}

/** What the length of a wait follows from. */
export type FailuresBefore = Pick<StoreView, 'backOff' | 'failures' | 'nowMs' | 'day' | 'count' | 'record'>;

type DailyBudget = Pick<RefreshSettings, 'dailyBudget' | 'dayOffsetMs'>;

/** Milliseconds for which no further fetch may be sent, after one that brought no token. */
export function waitAfterFailureMs(
  refusal: BackOff['class'],
  before: FailuresBefore,
  budget: DailyBudget,
  random: number,
): number {
  switch (refusal) {
    case 'busy':
    case 'unavailable':
      return Math.max(backOffDelayMs(before.failures + 1, random), pacedDelayMs(before, budget));
    case 'minute_quota':
      return MINUTE_MS;
    case 'day_quota':
      return nextDayAtMs(before.nowMs, budget.dayOffsetMs) - before.nowMs;
    case 'configuration':
      return configurationWaitMs(before, evenDelayMs(before, budget));
  }
}

/**
 * For what only a person can mend: longer from refusal to refusal, but never so long that no further attempt fits before
 * the end of a token that lives.
 */
function configurationWaitMs({ backOff, record, nowMs }: FailuresBefore, evenMs: number): number {
  const lastMs = backOff?.class === 'configuration' ? backOff.untilMs - backOff.atMs : 0;
  const leftMs = (record?.expiresAtMs ?? 0) - nowMs;
  const fitsMs = leftMs - Math.min(MAX_ATTEMPT_MS, leftMs / 4);
  if (fitsMs < SECOND_MS) {
    const isFirst = lastMs < FIRST_CONFIGURATION_WAIT_MS;
    return Math.max(evenMs, isFirst ? FIRST_CONFIGURATION_WAIT_MS : MAX_CONFIGURATION_WAIT_MS);
  }
  const nextMs = CONFIGURATION_WAITS_MS.find((waitMs) => waitMs > lastMs) ?? MAX_CONFIGURATION_WAIT_MS;
  return Math.min(fitsMs, Math.max(evenMs, nextMs));
}

/**
 * Once half of the day's budget is gone, a platform that fails is asked so rarely that the rest lasts until its next day,
 * or at least every quarter of an hour: an outage of hours must not end with a broker that may not ask any more.
 */
function pacedDelayMs(before: FailuresBefore, budget: DailyBudget): number {
  return Math.min(MAX_PACED_MS, evenDelayMs(before, budget));
}

/** The wait with which the rest of the day's budget lasts until the next day; 0 while more than half of it is left. */
function evenDelayMs(before: FailuresBefore, { dailyBudget, dayOffsetMs }: DailyBudget): number {
  const { nowMs } = before;
  const left = dailyBudget - countOn(before, dayOf(nowMs, dayOffsetMs)).fetches - 1;
  if (left > dailyBudget / 2) return 0;
  return (nextDayAtMs(nowMs, dayOffsetMs) - nowMs) / Math.max(1, left);
}

/** `rollback`: suspect because the store lost something; `in_doubt`: a fetch whose outcome nobody has stored. */
export type SuspectReason = 'suspect' | 'rollback' | 'in_doubt';

/** Why the stored token has to be replaced although it is not due, or null. */
export function suspectReasonOf({
  record,
  suspect,
  rolledBack,
  intent,
}: Pick<StoreView, 'record' | 'suspect' | 'rolledBack' | 'intent'>): SuspectReason | null {
  if (record && record.generation <= suspect) return record.generation <= rolledBack ? 'rollback' : 'suspect';
  return intent ? 'in_doubt' : null;
}

/** Whether a request whose fate is open is so young that the platform may process it after one that is sent now. */
export function isOverlapping(
  view: Pick<StoreView, 'record' | 'suspect' | 'rolledBack' | 'intent' | 'beganAtMs' | 'nowMs'>,
  leaseMs: number,
): boolean {
  return suspectReasonOf(view) !== null && view.nowMs < healAtMs(view, leaseMs);
}

/**
 * From when on a suspect token may be replaced, on the store's clock. Two lease times after the last fetch began, no
 * request of that time is still on its way, so that the replacement cannot be overtaken in its turn.
 */
export function healAtMs(view: Pick<StoreView, 'beganAtMs'>, leaseMs: number): number {
  return view.beganAtMs + 2 * leaseMs;
}

/** A grace counts for at most a 24th of the token's life, the shortest that any platform gives. */
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
