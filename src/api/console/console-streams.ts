import { Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { TokenBroker } from '../../core/broker.js';
import { ConsoleData } from '../../core/console/console-data.js';
import { Clock } from '../../core/ports/clock.js';
import type { HistoryEvent } from '../../core/ports/history.js';
import type { AppName } from '../../core/token.js';
import { Callers } from '../auth/callers.js';
import type { ClientAccess } from '../auth/client-access.js';
import { AppRows } from './app-rows.js';
import type { EndOfSession } from './console.guard.js';
import { eventView, SystemViews } from './console.views.js';

const TICK_MS = 500;
/** Within so many ticks the state of every app is looked at: time alone changes some. */
const TICKS_OF_A_SWEEP = 5;
/**
 * Of rows to which nothing happened, so many are made anew in a tick, one after the other: a day's counts begin anew, a wait ends.
 * With 10,000 apps this reaches each within 100 s.
 */
const MAX_ROWS_OF_A_TICK = 50;
/** Of one app. */
const MIN_APART_MS = 1000;
const HEARTBEAT_MS = 15_000;
/** A reader that is so far behind is gone, or will do better with a new stream. */
const MAX_UNSENT_BYTES = 4 * 1024 * 1024;

interface Stream {
  readonly response: ServerResponse;
  /** Who looks on, as they are now; or why they may not any more. */
  readonly recheck: () => ClientAccess | EndOfSession;
  client: ClientAccess;
  apps: ReadonlySet<AppName>;
  system: string;
}

/** A list, a part at a time, from its beginning again at its end. */
class Sweep {
  private at = 0;

  next<T>(list: readonly T[], count: number): readonly T[] {
    if (this.at >= list.length) this.at = 0;
    const part = list.slice(this.at, this.at + count);
    this.at += count;
    return part;
  }
}

/** The open streams of the console. While there are none, nothing is done. */
@Injectable()
export class ConsoleStreams {
  private readonly streams = new Set<Stream>();
  /** Apps to which something happened since the last tick. */
  private readonly touched = new Set<AppName>();
  private readonly sentMonoMs = new Map<AppName, number>();
  private readonly states = new Sweep();
  private readonly whole = new Sweep();
  private known: { readonly apps: readonly AppName[]; readonly set: ReadonlySet<AppName> } | null = null;
  private beatMonoMs = 0;
  /** Of the history; null: nobody looks on. */
  private cursor: string | null = null;
  private isReading = false;
  private cancel: (() => void) | null = null;
  private isOver = false;

  constructor(
    private readonly broker: TokenBroker,
    private readonly data: ConsoleData,
    private readonly rows: AppRows,
    private readonly system: SystemViews,
    private readonly clock: Clock,
    callers: Callers,
  ) {
    data.onTouched((app) => {
      if (this.streams.size > 0) this.touched.add(app);
    });
    data.onRecorded((event) => {
      this.tell(event);
    });
    callers.onReplace(() => {
      this.recheck();
    });
  }

  /** Takes over a response whose head is set. */
  open(response: ServerResponse, recheck: Stream['recheck']): void {
    const client = recheck();
    if (typeof client === 'string' || this.isOver) {
      response.end();
      return;
    }
    const system = SystemViews.essenceOf(this.system.of(client));
    const stream: Stream = { response, recheck, client, apps: new Set(client.apps), system };
    this.streams.add(stream);
    // Before the reader knows that the stream is open: what others add from now on is told.
    if (this.cursor === null) void this.readHistory();
    response.once('close', () => {
      this.streams.delete(stream);
    });
    response.flushHeaders();
    response.write(':\n\n');
    this.cancel ??= this.clock.after(TICK_MS, this.tick);
  }

  /** Ends all, so that their readers go elsewhere. */
  end(): void {
    this.isOver = true;
    this.cancel?.();
    for (const { response } of this.streams) response.end();
  }

  private recheck(): void {
    for (const stream of this.streams) {
      const client = stream.recheck();
      if (typeof client === 'string') {
        this.send(stream, 'session_ended', JSON.stringify({ why: client }));
        this.streams.delete(stream);
        stream.response.end();
        continue;
      }
      if (client === stream.client) continue;
      const apps = new Set(client.apps);
      for (const app of stream.apps) {
        if (!apps.has(app)) this.send(stream, 'app_removed', JSON.stringify({ app }));
      }
      for (const app of apps) {
        if (!stream.apps.has(app)) this.send(stream, 'app', JSON.stringify(this.rows.show(app)));
      }
      Object.assign(stream, { client, apps });
    }
  }

  private readonly tick = (): void => {
    this.cancel = null;
    if (this.streams.size === 0) {
      this.touched.clear();
      this.sentMonoMs.clear();
      this.rows.clear();
      this.cursor = null;
      return;
    }
    const nowMonoMs = this.clock.monotonicMs();
    this.data.board.watch();
    this.recheck();
    this.tellRows(nowMonoMs);
    this.tellSystem();
    void this.readHistory();
    if (nowMonoMs - this.beatMonoMs >= HEARTBEAT_MS) {
      this.beatMonoMs = nowMonoMs;
      for (const { response } of this.streams) response.write(':\n\n');
    }
    this.cancel ??= this.clock.after(TICK_MS, this.tick);
  };

  private tellRows(nowMonoMs: number): void {
    const { apps } = this.broker;
    if (this.known?.apps !== apps) this.known = { apps, set: new Set(apps) };
    const share = Math.ceil(apps.length / TICKS_OF_A_SWEEP);
    for (const app of this.whole.next(apps, Math.min(share, MAX_ROWS_OF_A_TICK))) this.touched.add(app);
    for (const app of this.states.next(apps, share)) if (this.rows.hasOtherState(app)) this.touched.add(app);
    for (const app of this.touched) {
      const isSoon = nowMonoMs - (this.sentMonoMs.get(app) ?? -Infinity) < MIN_APART_MS;
      if (isSoon) continue;
      this.touched.delete(app);
      if (!this.known.set.has(app)) {
        this.rows.forget(app);
        this.sentMonoMs.delete(app);
        continue;
      }
      const json = this.rows.changed(app);
      if (json === null) continue;
      this.sentMonoMs.set(app, nowMonoMs);
      for (const stream of this.streams) if (stream.apps.has(app)) this.send(stream, 'app', json);
    }
  }

  private tellSystem(): void {
    // All streams of a client are told the same, which is made once.
    const told = new Map<ClientAccess, { readonly json: string; readonly essence: string }>();
    for (const stream of this.streams) {
      const { client } = stream;
      let current = told.get(client);
      if (!current) {
        const view = this.system.of(client);
        current = { json: JSON.stringify(view), essence: SystemViews.essenceOf(view) };
        told.set(client, current);
      }
      if (current.essence === stream.system) continue;
      stream.system = current.essence;
      this.send(stream, 'system', current.json);
    }
  }

  /** What other replicas added; what this one does is told as it happens. */
  private async readHistory(): Promise<void> {
    if (this.isReading) return;
    this.isReading = true;
    try {
      const { events, cursor } = await this.data.history.tail(this.cursor);
      if (this.streams.size > 0) this.cursor = cursor;
      for (const event of events) {
        if (event.replica === this.data.board.replica) continue;
        this.touched.add(event.app);
        this.tell(event);
      }
    } catch {
      // The state of the store is told by itself.
    } finally {
      this.isReading = false;
    }
  }

  private tell(event: HistoryEvent): void {
    if (this.streams.size === 0) return;
    const json = JSON.stringify(eventView(event));
    for (const stream of this.streams) {
      if (stream.apps.has(event.app)) this.send(stream, 'history', json);
    }
  }

  private send({ response }: Stream, event: string, json: string): void {
    if (response.writableEnded) return;
    response.write(`event: ${event}\ndata: ${json}\n\n`);
    if (response.writableLength > MAX_UNSENT_BYTES) response.destroy();
  }
}
