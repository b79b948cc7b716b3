import { maxFence, type StoredState } from './transitions.js';
import type { DayCount } from './budgets.js';
import { errorCodeOf } from '../error-code.js';
import { isObject, type JsonObject } from '../json-object.js';
import { DAY_MS } from '../ports/clock.js';
import { readableText } from '../redaction/redactor.js';
import type { BackOff } from '../ports/token-store.js';
import { FETCH_REASONS, type TokenRecord } from '../token.js';

/** No platform's token lives longer, and a store clock that jumped must not make one do so. */
export const MAX_LIFE_MS = 30 * DAY_MS;
/** The platform's next day is the furthest that a back-off waits for. */
const MAX_WAIT_MS = DAY_MS;
const MAX_COUNT = 1_000_000;
const MAX_MESSAGE_CHARACTERS = 300;
const MAX_DAY = 1_000_000;
const MAX_CLIENTS = 1000;
const CLIENT_SHAPE = /^[\w.:-]{1,100}$/;
const CREDENTIAL_SHAPE = /^[0-9a-f]{8}$/;
const TOKEN_SHAPE = /^[\x21-\x7e]{1,5000}$/;
const FAULT_SHAPE = /^[a-z0-9_]{1,40}$/;
const TOKEN_TYPE_SHAPE = /^[A-Za-z][\w.+-]{0,39}$/;
const OWNER_SHAPE = /^[\w.:@-]{1,300}$/;

const CLASSES: readonly BackOff['class'][] = [
  'busy',
  'minute_quota',
  'day_quota',
  'configuration',
  'unavailable',
];

/**
 * A state as a store holds it, each field bounded: whatever cannot be right at this time of the store is absent. Even a
 * state that a broker sealed can be wrong: the store's clock jumped, another version wrote it, or a bug did. Every new
 * field of `StoredState` needs its line here.
 *
 * @param stored what JSON.parse gave: anything
 */
export function readStoredState(stored: unknown, nowMs: number): StoredState {
  const state = fieldsOf(stored) ?? {};
  const fence = (name: string): number => integer(state[name], 0, maxFence(nowMs)) ?? 0;
  const count = (name: string): number => integer(state[name], 0, MAX_COUNT) ?? 0;
  return {
    record: readRecord(state.record, nowMs),
    fence: fence('fence'),
    suspect: fence('suspect'),
    rolledBack: fence('rolledBack'),
    intent: readIntent(state.intent, nowMs),
    beganAtMs: time(state.beganAtMs, nowMs + DAY_MS) ?? 0,
    backOff: readBackOff(state.backOff, nowMs),
    failures: count('failures'),
    day: integer(state.day, 0, MAX_DAY) ?? 0,
    count: readDayCount(state.count),
    clients: readClients(state.clients),
  };
}

function readDayCount(stored: unknown): DayCount {
  const count = fieldsOf(stored) ?? {};
  const of = (name: keyof DayCount): number => integer(count[name], 0, MAX_COUNT) ?? 0;
  return {
    fetches: of('fetches'),
    forced: of('forced'),
    forceNew: of('forceNew'),
    unproven: of('unproven'),
  };
}

/** No more callers than have names that a configuration takes, and not without end. */
function readClients(stored: unknown): Readonly<Record<string, number>> {
  const clients = Object.entries(fieldsOf(stored) ?? {})
    .slice(0, MAX_CLIENTS)
    .flatMap(([client, given]) => {
      const count = integer(given, 1, MAX_COUNT);
      return CLIENT_SHAPE.test(client) && count !== null ? [[client, count] as const] : [];
    });
  return Object.fromEntries(clients);
}

/** Null unless every field that a caller's answer depends on is right. */
function readRecord(stored: unknown, nowMs: number): TokenRecord | null {
  const record = fieldsOf(stored);
  if (!record) return null;
  const generation = integer(record.generation, 1, maxFence(nowMs));
  const issuedAtMs = time(record.issuedAtMs, nowMs + DAY_MS);
  const expiresAtMs = number(record.expiresAtMs);
  const { value } = record;
  if (generation === null || issuedAtMs === null || expiresAtMs === null || !isText(value, TOKEN_SHAPE)) {
    return null;
  }
  return {
    generation,
    base: integer(record.base, 0, maxFence(nowMs)) ?? 0,
    since: integer(record.since, 1, generation) ?? generation,
    value,
    issuedAtMs,
    expiresAtMs: Math.max(0, Math.min(expiresAtMs, issuedAtMs + MAX_LIFE_MS)),
    ...(isText(record.tokenType, TOKEN_TYPE_SHAPE) && { tokenType: record.tokenType }),
    owner: isText(record.owner, OWNER_SHAPE) ? record.owner : '',
    reason: oneOf(FETCH_REASONS, record.reason) ?? 'cold',
  };
}

function readIntent(stored: unknown, nowMs: number): StoredState['intent'] {
  const intent = fieldsOf(stored);
  const fence = integer(intent?.fence, 1, maxFence(nowMs));
  const atMs = time(intent?.atMs, nowMs + DAY_MS);
  return fence === null || atMs === null ? null : { fence, atMs, inDoubt: intent?.inDoubt === true };
}

/** One that waits for longer than a day is none: it would hold every fetch up until a person deletes it. */
function readBackOff(stored: unknown, nowMs: number): BackOff | null {
  const backOff = fieldsOf(stored);
  const untilMs = time(backOff?.untilMs, nowMs + MAX_WAIT_MS);
  if (!backOff || untilMs === null) return null;
  return {
    untilMs,
    class: oneOf(CLASSES, backOff.class) ?? 'unavailable',
    errcode: errorCodeOf(backOff.errcode),
    message: readableText(backOff.message, MAX_MESSAGE_CHARACTERS),
    credential: isText(backOff.credential, CREDENTIAL_SHAPE) ? backOff.credential : null,
    ...(isText(backOff.fault, FAULT_SHAPE) && { fault: backOff.fault }),
    atMs: time(backOff.atMs, untilMs) ?? 0,
  };
}

function fieldsOf(stored: unknown): JsonObject | null {
  return isObject(stored) ? stored : null;
}

function number(stored: unknown): number | null {
  return typeof stored === 'number' && Number.isFinite(stored) ? stored : null;
}

function integer(stored: unknown, min: number, max: number): number | null {
  return Number.isSafeInteger(stored) && (stored as number) >= min && (stored as number) <= max
    ? (stored as number)
    : null;
}

/** Milliseconds since the Unix epoch; fractions are welcome. */
function time(stored: unknown, maxMs: number): number | null {
  const atMs = number(stored);
  return atMs !== null && atMs >= 0 && atMs <= maxMs ? atMs : null;
}

function isText(stored: unknown, shape: RegExp): stored is string {
  return typeof stored === 'string' && shape.test(stored);
}

function oneOf<T extends string>(known: readonly T[], stored: unknown): T | undefined {
  return known.find((one) => one === stored);
}
