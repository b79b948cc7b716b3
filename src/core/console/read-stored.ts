import { errorCodeOf } from '../error-code.js';
import { isObject, parseJsonObject, type JsonObject } from '../json-object.js';
import { HISTORY_KINDS, type HistoryEvent, type HistoryKind } from '../ports/history.js';
import {
  MAX_HOST,
  MAX_HOSTS,
  MAX_HOST_TEXT,
  type HostReach,
  type ReplicaReport,
} from '../ports/replica-registry.js';

const MAX_TEXT = 2000;
const MAX_ASKS = 20;
/** A time of use or of an answer that is further in the future than this comes from a wrong clock, and is ignored. */
export const MAX_AHEAD_MS = 60_000;

/** An event out of a store that anybody may have written to; null for what is none. */
export function readHistoryEvent(stored: unknown): HistoryEvent | null {
  const fields = fieldsOf(stored);
  if (!fields) return null;
  const { id, app, replica, kind } = fields;
  const atMs = number(fields.atMs);
  if (!isText(id) || !isText(app) || !isText(replica) || !isKind(kind) || atMs === null) return null;
  return {
    id,
    atMs,
    app,
    replica,
    kind,
    generation: number(fields.generation),
    fingerprint: text(fields.fingerprint),
    reason: text(fields.reason),
    caller: text(fields.caller),
    result: text(fields.result),
    errcode: errorCodeOf(fields.errcode),
    message: text(fields.message),
    remedy: text(fields.remedy),
    durationMs: number(fields.durationMs),
  };
}

/** The event without what is null: `readHistoryEvent` puts it back. */
export function storedEvent(event: HistoryEvent): string {
  return JSON.stringify(event, (_key, value: unknown) => value ?? undefined);
}

/** What a replica told of itself, out of a store that anybody may have written to; null for what is none. */
export function readReplica(stored: unknown): ReplicaReport | null {
  const fields = fieldsOf(stored);
  if (!fields) return null;
  const { id, version, configSha256 } = fields;
  const startedAtMs = number(fields.startedAtMs);
  if (!isText(id) || !isText(version) || startedAtMs === null) return null;
  return {
    id,
    version,
    startedAtMs,
    lagMs: number(fields.lagMs),
    configSha256: text(configSha256),
    digest: number(fields.digest) ?? 0,
    platforms: readHostReaches(fields.platforms),
    asks: Array.isArray(fields.asks) ? fields.asks.filter(isText).slice(0, MAX_ASKS) : [],
    answers: fieldsOf(fields.answers) ?? {},
  };
}

function readHostReaches(stored: unknown): readonly HostReach[] {
  const list: readonly unknown[] = Array.isArray(stored) ? stored.slice(0, MAX_HOSTS) : [];
  return list.flatMap((one) => {
    const { host, lastAnswerAtMs, failingApps, fault } = fieldsOf(one) ?? {};
    if (!isText(host) || host.length > MAX_HOST) return [];
    const { atMs, message, remedy } = fieldsOf(fault) ?? {};
    const faultAtMs = number(atMs);
    return {
      host,
      lastAnswerAtMs: number(lastAnswerAtMs),
      failingApps: number(failingApps) ?? 0,
      fault:
        faultAtMs === null ? null : { atMs: faultAtMs, message: hostText(message), remedy: hostText(remedy) },
    };
  });
}

function hostText(stored: unknown): string | null {
  return text(stored)?.slice(0, MAX_HOST_TEXT) ?? null;
}

/** That its JSON takes in a store. */
export function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value));
}

/** Of an object, or of the text of one; null for anything else. */
export function fieldsOf(stored: unknown): JsonObject | null {
  if (typeof stored === 'string') return parseJsonObject(stored);
  return isObject(stored) ? stored : null;
}

/** A finite number at least 0 that a time can be made of; null for anything else. */
export function number(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT;
}

function text(value: unknown): string | null {
  return isText(value) ? value : null;
}

function isKind(value: unknown): value is HistoryKind {
  return HISTORY_KINDS.some((kind) => kind === value);
}
