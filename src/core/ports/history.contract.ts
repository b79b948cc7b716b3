import type { History, HistoryEvent } from './history.js';
import { DAY_MS } from './clock.js';

export interface HistoryUnderTest {
  readonly history: History;
  /** Another replica over the same store. */
  readonly there: History;
  /** On the wall clock. */
  readonly nowMs: number;
}

let made = 0;

/** An event that nobody has recorded before. */
export function historyEvent(atMs: number, more: Partial<HistoryEvent> = {}): HistoryEvent {
  made += 1;
  return {
    id: `replica-1-${String(made)}`,
    atMs,
    app: 'shop',
    replica: 'replica-1',
    kind: 'reported',
    generation: 1_795_250_000_123,
    fingerprint: '01234567',
    reason: null,
    caller: 'orders',
    result: 'rotated',
    errcode: 40001,
    message: null,
    remedy: null,
    durationMs: 120,
    ...more,
  };
}

/** What the console relies on. */
export function describeHistory(name: string, create: () => Promise<HistoryUnderTest>): void {
  describe(`${name} as a history`, () => {
    it('has what was added, of one app, the newest first, whoever added it', async () => {
      const { history, there, nowMs } = await create();
      const [first, second] = [
        historyEvent(nowMs),
        historyEvent(nowMs, { errcode: 'invalid_token', caller: null }),
      ];
      await history.append([first, historyEvent(nowMs, { app: 'blog' })]);
      await there.append([second]);
      expect(await history.page('shop', null, 10)).toEqual({ events: [second, first], next: null });
      expect(await there.page('nothing', null, 10)).toEqual({ events: [], next: null });
    });

    it('is read in pages, of which none has what another has', async () => {
      const { history, nowMs } = await create();
      const events = Array.from({ length: 5 }, () => historyEvent(nowMs));
      await history.append(events);
      const read: HistoryEvent[] = [];
      let before: string | null = null;
      do {
        const page = await history.page('shop', before, 2);
        expect(page.events.length).toBeLessThanOrEqual(2);
        read.push(...page.events);
        before = page.next;
      } while (before !== null);
      expect(read).toEqual(events.reverse());
    });

    it('has an event once that was added twice, because no answer came', async () => {
      const { history, nowMs } = await create();
      const event = historyEvent(nowMs);
      await history.append([event]);
      await history.append([event]);
      expect((await history.page('shop', null, 10)).events).toEqual([event]);
    });

    it('shows nothing that is older than 7 days', async () => {
      const { history, nowMs } = await create();
      const [old, young] = [historyEvent(nowMs - 7.1 * DAY_MS), historyEvent(nowMs - 6.9 * DAY_MS)];
      await history.append([old, young]);
      expect((await history.page('shop', null, 10)).events).toEqual([young]);
    });

    it('tells whoever goes on from a place what was added since, of all apps', async () => {
      const { history, there, nowMs } = await create();
      await history.append([historyEvent(nowMs)]);
      const start = await there.tail(null);
      expect(start.events).toEqual([]);
      const [one, other] = [historyEvent(nowMs), historyEvent(nowMs, { app: 'blog' })];
      await history.append([one, other]);
      const next = await there.tail(start.cursor);
      expect(next.events).toEqual([one, other]);
      expect((await there.tail(next.cursor)).events).toEqual([]);
    });

    it('takes a place that is none for the end', async () => {
      const { history, nowMs } = await create();
      await history.append([historyEvent(nowMs)]);
      expect(await history.page('shop', 'nowhere', 10)).toEqual({ events: [], next: null });
    });
  });
}
