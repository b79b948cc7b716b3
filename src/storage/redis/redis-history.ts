import { fieldsOf, readHistoryEvent, storedEvent } from '../../core/console/read-stored.js';
import {
  History,
  MAX_HISTORY_MS,
  type HistoryEvent,
  type HistoryPage,
  type HistoryTail,
} from '../../core/ports/history.js';
import type { Clock } from '../../core/ports/clock.js';
import type { AppName } from '../../core/token.js';
import { historyKey, recentHistoryKey } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/** Of each app: with a rotation every two hours, 7 days have 84. Redis keeps some more, and frees them by blocks. */
const MAX_EVENTS = 500;
/** What is told to who looks on: lists of events, each of what a replica added at once. */
const MAX_RECENT_LISTS = 500;
const MAX_LISTS_OF_TAIL = 200;
const STREAM_ID = /^\d{1,16}-\d{1,16}$/;
const FIELD = 'e';
const START = '0-0';

type Entry = readonly [id: string, fields: readonly string[]];

/** Events in streams of Redis: one for each app, and a short one of all, for those who look on. */
export class RedisHistory extends History {
  constructor(
    private readonly connection: RedisConnection,
    private readonly keyPrefix: string,
    private readonly clock: Clock,
  ) {
    super();
  }

  override async append(events: readonly HistoryEvent[]): Promise<void> {
    const { client } = this.connection;
    const stored = events.map((event) => ({ app: event.app, text: storedEvent(event) }));
    const recent = recentHistoryKey(this.keyPrefix);
    const list = `[${stored.map(({ text }) => text).join(',')}]`;
    const keys = new Set(events.map(({ app }) => historyKey(this.keyPrefix, app)));
    await this.connection.run(() =>
      Promise.all([
        ...stored.map(({ app, text }) =>
          client.xadd(historyKey(this.keyPrefix, app), 'MAXLEN', '~', MAX_EVENTS, '*', FIELD, text),
        ),
        ...[...keys].map((key) => client.pexpire(key, MAX_HISTORY_MS)),
        client.xadd(recent, 'MAXLEN', '~', MAX_RECENT_LISTS, '*', FIELD, list),
        client.pexpire(recent, MAX_HISTORY_MS),
      ]),
    );
  }

  override async page(app: AppName, before: string | null, limit: number): Promise<HistoryPage> {
    const end = before === null ? '+' : `(${before}`;
    if (before !== null && !STREAM_ID.test(before)) return { events: [], next: null };
    const entries: readonly Entry[] = await this.connection.run(() =>
      this.connection.client.xrevrange(historyKey(this.keyPrefix, app), end, '-', 'COUNT', limit + 1),
    );
    const page = entries.slice(0, limit);
    const oldestMs = this.clock.wallMs() - MAX_HISTORY_MS;
    const events = page
      .map(([, fields]) => readHistoryEvent(fields[1]))
      .filter((event) => event !== null)
      .filter((event) => event.app === app && event.atMs >= oldestMs);
    const isMore = entries.length > limit && events.length > 0;
    return { events: unique(events), next: isMore ? (page.at(-1)?.[0] ?? null) : null };
  }

  override async tail(cursor: string | null): Promise<HistoryTail> {
    const key = recentHistoryKey(this.keyPrefix);
    const { client } = this.connection;
    if (cursor === null) {
      const last: readonly Entry[] = await this.connection.run(() =>
        client.xrevrange(key, '+', '-', 'COUNT', 1),
      );
      return { events: [], cursor: last[0]?.[0] ?? START };
    }
    const entries: readonly Entry[] = await this.connection.run(() =>
      client.xrange(key, `(${cursor}`, '+', 'COUNT', MAX_LISTS_OF_TAIL),
    );
    const events = entries.flatMap(([, fields]) => listOf(fields[1])).map(readHistoryEvent);
    return { events: events.filter((event) => event !== null), cursor: entries.at(-1)?.[0] ?? cursor };
  }
}

function listOf(stored: string | undefined): readonly unknown[] {
  const wrapped = fieldsOf(`{"list":${stored ?? '[]'}}`);
  return Array.isArray(wrapped?.list) ? wrapped.list : [];
}

/** An event is there twice when it was added again because no answer came. */
function unique(events: readonly HistoryEvent[]): readonly HistoryEvent[] {
  const ids = new Set<string>();
  return events.filter(({ id }) => !ids.has(id) && ids.add(id));
}
