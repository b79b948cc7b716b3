import { ManualClock } from '../../test/support/manual-clock.js';
import { StoreUnavailableError } from '../core/errors.js';
import type { BrokerEvent } from '../core/ports/events.js';
import { History, type HistoryEvent } from '../core/ports/history.js';
import { Redactor } from '../core/redaction/redactor.js';
import { HistoryRecorder } from './history.recorder.js';
import { createLogger } from './logger.js';

const TOKEN = '83_canary-of-the-token-that-nobody-may-see';
const SECRET = 'canary0123456789abcdef0123456789';

/** Keeps what it was given, unless it is told not to answer. */
class FakeHistory extends History {
  readonly events: HistoryEvent[] = [];
  isAway = false;
  hasToWait: Promise<void> | null = null;

  override async append(events: readonly HistoryEvent[]): Promise<void> {
    await this.hasToWait;
    if (this.isAway) throw new StoreUnavailableError('no connection');
    this.events.push(...events);
  }

  override async page(): Promise<never> {
    throw new Error('nobody reads');
  }

  override async tail(): Promise<never> {
    throw new Error('nobody reads');
  }
}

const FAILED = {
  app: 'shop',
  kind: 'fetch_ended',
  reason: 'scheduled',
  outcome: 'refused',
  durationMs: 12.7,
  errcode: 40164,
  message: 'invalid ip',
  remedy: 'Add the address.',
  retryInMs: 1000,
} satisfies BrokerEvent;
const ROTATED = {
  app: 'shop',
  kind: 'rotated',
  generation: 7,
  fingerprint: '01234567',
  reason: 'scheduled',
  expiresInMs: 7_200_000,
  sameValue: false,
  isStored: true,
} satisfies BrokerEvent;
const REPORTED = {
  app: 'shop',
  kind: 'reported',
  result: 'still_valid',
  errcode: 40001,
  caller: 'orders',
  generation: 7,
  fingerprint: null,
  durationMs: 3,
} satisfies BrokerEvent;

describe('the recorder of the history', () => {
  let clock: ManualClock;
  let history: FakeHistory;
  let recorder: HistoryRecorder;
  let lines: string[];

  beforeEach(() => {
    clock = new ManualClock();
    history = new FakeHistory();
    lines = [];
    const redactor = new Redactor();
    redactor.add(TOKEN);
    redactor.add(SECRET);
    const logger = createLogger('info', redactor, { write: (line: string) => void lines.push(line) });
    recorder = new HistoryRecorder(history, clock, 'replica-1', (text) => redactor.redact(text), logger);
  });

  const recorded = async (...events: readonly BrokerEvent[]): Promise<readonly HistoryEvent[]> => {
    for (const event of events) recorder.emit(event);
    await clock.advance(300);
    return history.events;
  };

  it.each<[string, readonly BrokerEvent[], Partial<HistoryEvent>]>([
    [
      'a rotation, with how long its fetch took',
      [{ ...FAILED, outcome: 'issued', errcode: null, message: null, remedy: null, durationMs: 80 }, ROTATED],
      {
        kind: 'rotated',
        generation: 7,
        fingerprint: '01234567',
        reason: 'scheduled',
        result: 'new_token',
        durationMs: 80,
      },
    ],
    ['the same token again', [{ ...ROTATED, sameValue: true }], { kind: 'rotated', result: 'same_token' }],
    [
      'one that could not be stored',
      [{ ...ROTATED, isStored: false }],
      { kind: 'rotated', result: 'not_stored' },
    ],
    [
      'a failure',
      [FAILED],
      {
        kind: 'fetch_failed',
        result: 'refused',
        errcode: 40164,
        message: 'invalid ip',
        remedy: 'Add the address.',
        durationMs: 13,
      },
    ],
    [
      'a report',
      [REPORTED],
      { kind: 'reported', caller: 'orders', result: 'still_valid', errcode: 40001, reason: null },
    ],
    [
      'a forced refresh, and why',
      [{ ...REPORTED, result: 'rotated', caller: 'ops', forced: { why: 'it leaked' } }],
      { kind: 'forced', caller: 'ops', result: 'rotated', reason: 'it leaked' },
    ],
    [
      'a suspect token',
      [{ app: 'shop', kind: 'suspected', generation: 7, why: 'rollback' }],
      { kind: 'suspected', reason: 'rollback' },
    ],
    ['that it is over', [{ app: 'shop', kind: 'healed', generation: 7 }], { kind: 'healed', generation: 7 }],
    [
      'an early death',
      [{ app: 'shop', kind: 'died_early', generation: 7, ageMs: 60_000, leftMs: 7_140_000 }],
      { kind: 'died_early', message: 'refused when it was 60 s old, 7140 s before its end' },
    ],
    [
      'a try',
      [{ app: 'shop', kind: 'probed', outcome: 'accepted', caller: 'ops', durationMs: 9 }],
      { kind: 'probed', caller: 'ops', result: 'accepted' },
    ],
  ])('records %s', async (_what, events, expected) => {
    const [event, ...others] = await recorded(...events);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      app: 'shop',
      replica: 'replica-1',
      atMs: expect.any(Number) as number,
      ...expected,
    });
  });

  it('records nothing of tickets, and nothing that is of no interest afterwards', async () => {
    const events = await recorded(
      { ...ROTATED, app: 'shop/jsapi' },
      { app: 'shop', kind: 'lease', result: 'acquired' },
      { app: 'shop', kind: 'fetch_started', reason: 'cold', fence: 7 },
    );
    expect(events).toEqual([]);
  });

  it('records no token and no secret, whoever wrote it into a text, and no text without an end', async () => {
    const [failure, forced] = await recorded(
      { ...FAILED, message: `bad secret ${SECRET}` },
      { ...REPORTED, forced: { why: `leaked: ${TOKEN} ${'x'.repeat(1000)}` } },
    );
    expect(JSON.stringify(history.events)).not.toMatch(/canary/);
    expect(failure?.message).toBe('bad secret [redacted]');
    expect(forced?.reason).toMatch(/^leaked: \[redacted\] x+$/);
    expect(forced?.reason).toHaveLength(500);
  });

  it('keeps ten alike an hour, and every rotation', async () => {
    const many = <T>(event: T): T[] => Array.from({ length: 50 }, () => event);
    await recorded(...many(REPORTED), ...many({ ...REPORTED, caller: 'mailer' }), ...many(ROTATED));
    const count = (caller: string | null) => history.events.filter((event) => event.caller === caller).length;
    expect([count('orders'), count('mailer'), count(null)]).toEqual([10, 10, 50]);
    await clock.advance(60 * 60 * 1000);
    await recorded(REPORTED);
    expect(count('orders')).toBe(11);
  });

  it('keeps nobody waiting, and adds later what the store did not take', async () => {
    history.isAway = true;
    await recorded(ROTATED, { ...ROTATED, generation: 8 });
    expect(history.events).toEqual([]);
    history.isAway = false;
    await clock.advance(1500);
    expect(history.events.map(({ generation }) => generation)).toEqual([7, 8]);
    expect(lines).toEqual([]);
  });

  it('keeps the newest thousand while the store is away, and says so once', async () => {
    history.isAway = true;
    for (let generation = 1; generation <= 1500; generation += 1) recorder.emit({ ...ROTATED, generation });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('history.dropped');
    history.isAway = false;
    await clock.advance(5000);
    expect(history.events.map(({ generation }) => generation)).toEqual(
      Array.from({ length: 1000 }, (_, index) => 501 + index),
    );
  });

  it('tells who looks on at once, with the same id as later', async () => {
    const told: string[] = [];
    recorder.onRecorded(({ id }) => told.push(id));
    recorder.emit(ROTATED);
    recorder.emit(FAILED);
    expect(told).toHaveLength(2);
    await clock.advance(300);
    expect(history.events.map(({ id }) => id)).toEqual(told);
    expect(new Set(told).size).toBe(2);
  });
});
