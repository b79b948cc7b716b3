import { ManualClock } from '../../test/support/manual-clock.js';
import { requestContext, type BrokerEvent } from '../core/ports/events.js';
import { Redactor } from '../core/redaction/redactor.js';
import { LogObserver } from './log.observer.js';
import { createLogger } from './logger.js';

const REPORTED = {
  app: 'shop',
  kind: 'reported',
  result: 'still_valid',
  errcode: 40001,
  caller: 'orders',
  generation: null,
  fingerprint: '0123abcd',
  durationMs: 12.3,
} satisfies BrokerEvent;

const ROTATED = {
  app: 'shop',
  kind: 'rotated',
  generation: 7,
  fingerprint: '0123abcd',
  reason: 'scheduled',
  expiresInMs: 7_200_000,
  sameValue: false,
  isStored: true,
} satisfies BrokerEvent;

const OF_SHOP = { app: 'shop' };
const FOUND = { app: 'shop', kind: 'found_token_tried', generation: 7 } as const;
const ISSUED = {
  app: 'shop',
  kind: 'fetch_ended',
  reason: 'cold',
  outcome: 'issued',
  durationMs: 12.3,
  errcode: null,
  message: null,
  remedy: null,
  retryInMs: null,
} satisfies BrokerEvent;

function fixture(level = 'info') {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const destination = { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) };
  return { clock, lines, log: new LogObserver(createLogger(level, new Redactor(), destination), clock) };
}

describe('the log', () => {
  it('names tokens so that whoever holds one finds it', () => {
    const { log, lines } = fixture();
    log.emit(ROTATED);
    log.emit({ app: 'shop', kind: 'adopted', generation: 7, fingerprint: '0123abcd', isFound: false });
    log.emit(REPORTED);
    expect(lines.map(({ event, token_sha256_8: mark }) => [event, mark])).toEqual([
      ['token.rotated', '0123abcd'],
      ['token.adopted', '0123abcd'],
      ['token.reported', '0123abcd'],
    ]);
  });

  it('names few of the thousands of tokens that a start finds, and says how many there are', async () => {
    const { log, lines, clock } = fixture();
    for (let index = 0; index < 1000; index += 1) {
      const app = `app-${String(index)}`;
      log.emit({ app, kind: 'adopted', generation: 7, fingerprint: '0123abcd', isFound: true });
    }
    log.emit({ app: 'shop', kind: 'adopted', generation: 8, fingerprint: '4567cdef', isFound: false });
    expect(lines.map(({ app }) => app)).toEqual([
      ...Array.from({ length: 20 }, (_, index) => `app-${String(index)}`),
      'shop',
    ]);
    await clock.advance(60_000);
    expect(lines.slice(21)).toMatchObject([{ event: 'token.adopted_lines_suppressed', suppressed: 980 }]);
  });

  it.each<[string, string, BrokerEvent, object]>([
    ['debug', 'token.fetch_started', { ...OF_SHOP, kind: 'fetch_started', reason: 'cold', fence: 3 }, {}],
    ['debug', 'token.fetch_ended', ISSUED, { outcome: 'issued', duration_ms: 12 }],
    [
      'info',
      'token.fetch_ended',
      { ...ISSUED, message: 'The answer has no expires_in.' },
      { outcome: 'issued', remark: 'The answer has no expires_in.' },
    ],
    [
      'warn',
      'token.superseded',
      { ...OF_SHOP, kind: 'superseded', fence: 3, generation: 7 },
      { generation: 7 },
    ],
    [
      'warn',
      'token.suspected',
      { ...OF_SHOP, kind: 'suspected', generation: 7, why: 'rollback' },
      { generation: 7, why: 'rollback' },
    ],
    [
      'error',
      'claim.refused',
      { ...OF_SHOP, kind: 'claim_refused', holder: 'prod:{shop}' },
      { holder: 'prod:{shop}' },
    ],
    [
      'info',
      'claim.won',
      { ...OF_SHOP, kind: 'claim_won', holder: 'prod:{shop}' },
      { holder: 'prod:{shop}' },
    ],
    ['info', 'token.healed', { ...OF_SHOP, kind: 'healed', generation: 7 }, { generation: 7 }],
    [
      'warn',
      'token.died_early',
      { ...OF_SHOP, kind: 'died_early', generation: 7, ageMs: 60_900, leftMs: 7_139_100 },
      { generation: 7, age_s: 60, left_s: 7139 },
    ],
    [
      'debug',
      'token.probed',
      { ...OF_SHOP, kind: 'probed', outcome: 'rejected', errcode: 40001, durationMs: 12.3 },
      { outcome: 'rejected', errcode: 40001, duration_ms: 12 },
    ],
    ['debug', 'token.found_tried', { ...FOUND, outcome: 'accepted' }, { generation: 7, outcome: 'accepted' }],
    ['warn', 'token.found_tried', { ...FOUND, outcome: 'rejected' }, { generation: 7, outcome: 'rejected' }],
    ['warn', 'token.found_tried', { ...FOUND, outcome: 'no_answer' }, { outcome: 'no_answer' }],
    ['debug', 'token.lease', { ...OF_SHOP, kind: 'lease', result: 'held' }, { result: 'held' }],
    ['info', 'store.available', { ...OF_SHOP, kind: 'store_available' }, {}],
  ])('has a line of level %s for %s: %j', (level, event, emitted, fields) => {
    const { log, lines } = fixture('debug');
    log.emit(emitted);
    expect(lines).toEqual([expect.objectContaining({ ...OF_SHOP, level, event, ...fields })]);
  });

  it('tells a new token from one that the platform gave again', () => {
    const { log, lines } = fixture();
    for (const sameValue of [false, true]) log.emit({ ...ROTATED, sameValue });
    expect(lines.map(({ msg }) => msg)).toEqual(['new token', 'the platform gave the same token again']);
  });

  it('has a debug line for each failure that the minute counts, and the count before it closes', () => {
    const { log, lines } = fixture('debug');
    const failed = {
      ...ISSUED,
      outcome: 'unknown',
      message: 'no answer',
      remedy: 'Mend it.',
      retryInMs: 1500,
    } as const;
    for (let attempt = 0; attempt < 3; attempt += 1) log.emit(failed);
    log.close();
    expect(lines.map(({ level, event }) => [level, event])).toEqual([
      ['warn', 'token.fetch_ended'],
      ['debug', 'token.fetch_ended'],
      ['debug', 'token.fetch_ended'],
      ['warn', 'token.fetches_failing'],
    ]);
    expect(lines[0]).toMatchObject({ error: 'no answer', remedy: 'Mend it.', retry_in_s: 2 });
    expect(lines[3]).toMatchObject({ apps: 1, failures: 2 });
    log.close();
    expect(lines).toHaveLength(4);
  });

  it('names the request that caused a line, and none where there was none', async () => {
    const { log, lines } = fixture();
    await requestContext.run({ requestId: 'r-1', trace: null }, async () => {
      await Promise.resolve();
      log.emit({ app: 'shop', kind: 'store_available' });
    });
    log.emit({ app: 'shop', kind: 'store_available' });
    expect(lines.map((line) => line.request_id)).toEqual(['r-1', undefined]);
  });

  it('says of a login what stands in the way of all users, and bounds the rest', async () => {
    const { log, lines, clock } = fixture('debug');
    const exchanged = {
      app: 'shop',
      kind: 'login_exchanged',
      surface: 'native',
      durationMs: 80.4,
      errcode: null,
      message: null,
      remedy: null,
      meaning: null,
    } as const;
    log.emit({ ...exchanged, outcome: 'answered' });
    log.emit({ ...exchanged, outcome: 'unknown', message: 'no answer' });
    const refused = { ...exchanged, outcome: 'refused', message: 'text', remedy: 'Mend it.' } as const;
    log.emit({ ...refused, meaning: 'app_misconfigured', errcode: 40125 });
    for (let users = 0; users < 10; users += 1)
      log.emit({ ...refused, meaning: 'code_invalid', errcode: 40029 });
    log.emit({ app: 'shop', kind: 'login_code_repeated' });
    log.emit({
      app: 'shop',
      kind: 'login_call_refused',
      errcode: 48001,
      message: '',
      remedy: 'Apply for it.',
    });
    await clock.advance(60_000);
    expect(lines.map(({ level, event, errcode }) => [level, event, errcode])).toEqual([
      ['debug', 'login.exchanged', undefined],
      ['warn', 'login.exchange_failed', null],
      ['error', 'login.exchange_failed', 40125],
      ...Array.from({ length: 5 }, () => ['info', 'login.exchange_failed', 40029]),
      ['info', 'login.code_repeated', undefined],
      ['error', 'login.call_refused', 48001],
      ['warn', 'login.lines_suppressed', undefined],
    ]);
    expect(lines[2]).toMatchObject({ app: 'shop', surface: 'native', remedy: 'Mend it.', duration_ms: 80 });
    expect(lines.at(-1)).toMatchObject({ reason: 'refused 40029', suppressed: 5 });
  });

  it('counts the reports of a caller that does nothing else', async () => {
    const { log, lines, clock } = fixture();
    for (let reports = 0; reports < 1000; reports += 1) log.emit(REPORTED);
    log.emit({ ...REPORTED, caller: 'mailer' });
    expect(lines).toHaveLength(61);
    await clock.advance(60_000);
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      event: 'token.reports_suppressed',
      app: 'shop',
      caller: 'orders',
      result: 'still_valid',
      suppressed: 940,
    });
  });

  it('says of apps that get no token when that begins, once a minute, and when it ends', async () => {
    const { log, lines, clock } = fixture();
    const names = Array.from({ length: 500 }, (_, index) => `app-${String(index)}`);
    const fail = (app: string, error: string, errcode: number | null = null): void => {
      log.emit({
        app,
        kind: 'fetch_ended',
        reason: 'cold',
        outcome: errcode === null ? 'not_sent' : 'refused',
        durationMs: 3,
        errcode,
        message: error,
        remedy: `Mend ${error}.`,
        retryInMs: 1000,
      });
    };
    for (let attempt = 0; attempt < 6; attempt += 1) {
      for (const app of names) fail(app, `connect ECONNREFUSED 192.0.2.${String(attempt)}`);
    }
    fail('app-0', 'invalid appsecret', 40125);
    expect(lines).toHaveLength(501);
    expect(lines[0]).toMatchObject({
      event: 'token.fetch_ended',
      app: 'app-0',
      remedy: 'Mend connect ECONNREFUSED 192.0.2.0.',
    });
    expect(lines.at(-1)).toMatchObject({ level: 'error', errcode: 40125 });
    await clock.advance(60_000);
    expect(lines).toHaveLength(502);
    expect(lines.at(-1)).toMatchObject({
      level: 'warn',
      event: 'token.fetches_failing',
      apps: 500,
      failures: 2500,
      reasons: [
        { apps: 499, errcode: null, remedy: 'Mend connect ECONNREFUSED 192.0.2.5.' },
        { apps: 1, errcode: 40125, remedy: 'Mend invalid appsecret.' },
      ],
      more_reasons: 0,
    });
    log.emit({ app: 'app-0', kind: 'adopted', generation: 7, fingerprint: '0123abcd', isFound: false });
    expect(lines.map(({ event }) => event).slice(502)).toEqual(['token.fetch_recovered', 'token.adopted']);
    expect(lines[502]).toMatchObject({ app: 'app-0', failures: 7, lasted_s: 60 });
    await clock.advance(600_000);
    expect(lines).toHaveLength(504);
    fail('app-0', 'connect ECONNREFUSED 192.0.2.1');
    expect(lines).toHaveLength(505);
  });

  it('says of a store that is lost for many apps only so often, and counts the rest', async () => {
    const { log, lines, clock } = fixture();
    for (let app = 0; app < 200; app += 1) {
      log.emit({
        app: `app-${String(app)}`,
        kind: 'store_unavailable',
        message: 'gone',
        remedy: 'Mend it.',
      });
    }
    expect(lines).toHaveLength(20);
    expect(lines[0]).toMatchObject({
      level: 'error',
      event: 'store.unavailable',
      app: 'app-0',
      remedy: 'Mend it.',
    });
    await clock.advance(60_000);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', event: 'store.lines_suppressed', suppressed: 180 });
  });
});
