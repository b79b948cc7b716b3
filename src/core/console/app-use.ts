import { fieldsOf, number } from './read-stored.js';

/** What a client did with an app, since the replica started. Times on the wall clock. */
export interface AppCaller {
  readonly client: string;
  readonly reads: number;
  readonly reports: number;
  readonly lastReadAtMs: number | null;
  readonly lastReportAtMs: number | null;
}

export interface Counts {
  readonly total: number;
  readonly failed: number;
  readonly lastAtMs: number | null;
}

/** How an app was used, since the replica started. */
export interface AppUse {
  readonly callers: readonly AppCaller[];
  /** Null: never. */
  readonly login: Counts | null;
  readonly gateway: Counts | null;
}

const MAX_CALLERS = 1000;

/** The use of an app on this replica, with what others told of theirs. */
export function sumOfUse(own: AppUse, others: readonly unknown[]): AppUse {
  const all = [own, ...others.map(readUse)];
  const callers = new Map<string, AppCaller>();
  for (const caller of all.flatMap((use) => use.callers)) {
    const before = callers.get(caller.client);
    callers.set(caller.client, before ? sumOfCallers(before, caller) : caller);
  }
  return {
    callers: [...callers.values()].slice(0, MAX_CALLERS),
    login: all.map(({ login }) => login).reduce(sumOfCounts),
    gateway: all.map(({ gateway }) => gateway).reduce(sumOfCounts),
  };
}

function sumOfCallers(one: AppCaller, other: AppCaller): AppCaller {
  return {
    client: one.client,
    reads: one.reads + other.reads,
    reports: one.reports + other.reports,
    lastReadAtMs: later(one.lastReadAtMs, other.lastReadAtMs),
    lastReportAtMs: later(one.lastReportAtMs, other.lastReportAtMs),
  };
}

function sumOfCounts(one: Counts | null, other: Counts | null): Counts | null {
  if (!one || !other) return one ?? other;
  return {
    total: one.total + other.total,
    failed: one.failed + other.failed,
    lastAtMs: later(one.lastAtMs, other.lastAtMs),
  };
}

function later(one: number | null, other: number | null): number | null {
  return one === null || other === null ? (one ?? other) : Math.max(one, other);
}

/** Out of a store that anybody may have written to. */
function readUse(stored: unknown): AppUse {
  const { callers, login, gateway } = fieldsOf(stored) ?? {};
  const list: readonly unknown[] = Array.isArray(callers) ? callers.slice(0, MAX_CALLERS) : [];
  return {
    callers: list.map(readCaller).filter((caller) => caller !== null),
    login: readCounts(login),
    gateway: readCounts(gateway),
  };
}

function readCaller(stored: unknown): AppCaller | null {
  const { client, reads, reports, lastReadAtMs, lastReportAtMs } = fieldsOf(stored) ?? {};
  if (typeof client !== 'string' || client.length > 100) return null;
  return {
    client,
    reads: number(reads) ?? 0,
    reports: number(reports) ?? 0,
    lastReadAtMs: number(lastReadAtMs),
    lastReportAtMs: number(lastReportAtMs),
  };
}

function readCounts(stored: unknown): Counts | null {
  const fields = fieldsOf(stored);
  if (!fields) return null;
  return {
    total: number(fields.total) ?? 0,
    failed: number(fields.failed) ?? 0,
    lastAtMs: number(fields.lastAtMs),
  };
}
