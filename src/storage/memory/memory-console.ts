import { MAX_AHEAD_MS } from '../../core/console/read-stored.js';
import type { Clock } from '../../core/ports/clock.js';
import {
  History,
  MAX_HISTORY_MS,
  type HistoryEvent,
  type HistoryPage,
  type HistoryTail,
} from '../../core/ports/history.js';
import {
  MAX_SILENT_MS,
  ReplicaRegistry,
  type LastUse,
  type LivingReplica,
  type ReplicaReport,
} from '../../core/ports/replica-registry.js';
import type { AppName } from '../../core/token.js';

const MAX_EVENTS = 10_000;

/** The events of this process, the newest 10,000 of all apps. */
export class MemoryHistory extends History {
  private events: readonly { readonly event: HistoryEvent; readonly number: number }[] = [];
  private added = 0;

  constructor(private readonly clock: Clock) {
    super();
  }

  override async append(events: readonly HistoryEvent[]): Promise<void> {
    const known = new Set(this.events.slice(-events.length * 2).map(({ event }) => event.id));
    const next = events
      .filter(({ id }) => !known.has(id))
      .map((event) => ({ event, number: (this.added += 1) }));
    this.events = [...this.events, ...next].slice(-MAX_EVENTS);
  }

  override async page(app: AppName, before: string | null, limit: number): Promise<HistoryPage> {
    const untilNumber = before === null ? Infinity : Number(before);
    const oldestMs = this.clock.wallMs() - MAX_HISTORY_MS;
    const found = this.events
      .filter(({ event, number }) => event.app === app && number < untilNumber && event.atMs >= oldestMs)
      .reverse();
    const page = found.slice(0, limit);
    const last = page.at(-1);
    return {
      events: page.map(({ event }) => event),
      next: last && found.length > limit ? String(last.number) : null,
    };
  }

  override async tail(cursor: string | null): Promise<HistoryTail> {
    const after = cursor === null ? this.added : Number(cursor);
    const events = this.events.filter(({ number }) => number > after).map(({ event }) => event);
    return { events, cursor: String(this.added) };
  }
}

/** The replicas of one process. */
export class MemoryReplicaRegistry extends ReplicaRegistry {
  private readonly replicas = new Map<string, { readonly report: ReplicaReport; readonly atMs: number }>();
  private readonly shown = new Map<string, Map<AppName, number>>();
  private readonly uses = new Map<string, LastUse>();

  constructor(private readonly clock: Clock) {
    super();
  }

  override async beat(own: ReplicaReport): Promise<readonly LivingReplica[]> {
    const nowMs = this.clock.wallMs();
    this.replicas.set(own.id, { report: own, atMs: nowMs });
    for (const [id, { atMs }] of this.replicas) {
      if (nowMs - atMs > MAX_SILENT_MS) this.replicas.delete(id);
    }
    return [...this.replicas.values()].map(({ report, atMs }) => ({
      ...report,
      seenAtMs: atMs,
      silentMs: nowMs - atMs,
    }));
  }

  override async leave(replica: string): Promise<void> {
    this.replicas.delete(replica);
    this.shown.delete(replica);
  }

  override async show(replica: string, changed: ReadonlyMap<AppName, number>): Promise<void> {
    this.shown.set(replica, new Map([...(this.shown.get(replica) ?? []), ...changed]));
  }

  override async shownBy(replica: string): Promise<ReadonlyMap<AppName, number>> {
    return this.shown.get(replica) ?? new Map();
  }

  override async noteUses(replica: string, uses: ReadonlyMap<string, number>): Promise<void> {
    const latestMs = this.clock.wallMs() + MAX_AHEAD_MS;
    for (const [identity, atMs] of uses) {
      const before = this.uses.get(identity)?.atMs ?? -1;
      if (atMs <= latestMs && (atMs > before || before > latestMs))
        this.uses.set(identity, { atMs, replica });
    }
  }

  override async lastUses(): Promise<ReadonlyMap<string, LastUse>> {
    return this.uses;
  }
}
