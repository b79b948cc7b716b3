import {
  APP,
  createBroker,
  LIFE_MS,
  NOT_SENT,
  REFRESH,
  servedValue,
} from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';
import { report } from '../../test/support/reports.js';
import { nextDayAtMs } from './refresh/budgets.js';

const MINUTE_MS = 60_000;

describe('renewal', () => {
  it('fetches ahead of expiry, once per rotation, and serves the old token meanwhile', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    await fixture.run(LIFE_MS - REFRESH.aheadMs - MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(1);
    const answer = fixture.issuer.later();
    fixture.issuer.next.push(answer.outcome);
    await fixture.run(MINUTE_MS + 500);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(servedValue(fixture)).toBe('token-1');
    await expect(fixture.broker.current(APP)).resolves.toMatchObject({ record: { value: 'token-1' } });
    answer.answer(fixture.issuer.mint());
    await settle();
    expect(servedValue(fixture)).toBe('token-2');
  });

  it('fetches for two of many apps in a turn of the event loop, and for the next ones 4 ms later', async () => {
    const fixture = createBroker();
    const broker = fixture.brokerOf(40);
    await broker.start();
    const counts: number[] = [];
    for (let turn = 0; turn < 20; turn += 1) {
      await settle();
      counts.push(fixture.issuer.calls.length);
      await fixture.clock.advance(4);
    }
    expect(counts).toEqual(Array.from({ length: 20 }, (_, turn) => 2 * (turn + 1)));
  });

  it('takes the life from the platform, counted from before the request, and never serves past it', async () => {
    const fixture = createBroker();
    fixture.issuer.lifeSeconds = 100;
    const answer = fixture.issuer.later();
    fixture.issuer.next.push(answer.outcome, ...Array.from({ length: 99 }, () => NOT_SENT));
    await fixture.start();
    await fixture.clock.advance(3000);
    answer.answer(fixture.issuer.mint());
    await settle();
    fixture.clock.stepWallClock(-3_600_000);
    await fixture.run(96_999);
    expect(servedValue(fixture)).toBe('token-1');
    await fixture.clock.advance(1);
    expect(servedValue(fixture)).toBeUndefined();
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({ code: 'token_expired' });
  });

  it('takes the same token with a shorter life for success and asks on without haste', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    const leftSeconds = REFRESH.aheadMs / 1000;
    fixture.issuer.next.push(fixture.issuer.again(leftSeconds), fixture.issuer.again(leftSeconds - 20));
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 1000);
    const first = fixture.broker.held(APP)?.record;
    expect(first).toMatchObject({ value: 'token-1', since: expect.any(Number) as number });
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
    await fixture.run(18_000);
    expect(fixture.issuer.calls).toHaveLength(2);
    await fixture.run(4000);
    expect(fixture.issuer.calls).toHaveLength(3);
    await fixture.run(22_000);
    expect(fixture.issuer.calls).toHaveLength(4);
    expect(servedValue(fixture)).toBe('token-2');
  });

  it('backs off from a platform that fails, and serves on', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(...Array.from({ length: 4 }, () => fixture.issuer.refuse(-1)));
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 1000);
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'degraded',
      lastError: { errcode: -1, message: 'refused with -1', remedy: 'What to do about -1.' },
    });
    expect(servedValue(fixture)).toBe('token-1');
    await fixture.run(MINUTE_MS);
    expect(servedValue(fixture)).toBe('token-2');
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });

  it('waits for as long as the platform says, if that is longer, and a day at most', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    const refusal = { kind: 'refused', errcode: 'slow_down', message: 'slow down' } as const;
    fixture.issuer.next.push({ ...refusal, retryAfterMs: 600_000 }, { ...refusal, retryAfterMs: 1e12 });
    await fixture.start();
    const waitMs = (): number => {
      const { nextRefreshAtMs, nowMs } = fixture.broker.status(APP);
      return (nextRefreshAtMs ?? 0) - nowMs;
    };
    expect(fixture.broker.status(APP).lastError?.errcode).toBe('slow_down');
    expect(waitMs()).toBe(600_000);
    await fixture.run(601_000);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(waitMs()).toBeGreaterThan(86_300_000);
    expect(waitMs()).toBeLessThanOrEqual(86_400_000);
  });

  it('waits as long for a platform that fails and says when to come again', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    const cause = Object.assign(new Error('HTTP status 503'), { retryAfterMs: 600_000 });
    fixture.issuer.next.push({ kind: 'unknown', cause });
    await fixture.start();
    await fixture.run(599_000);
    expect(fixture.issuer.calls).toHaveLength(1);
    await fixture.run(3000);
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('asks after 20 s, 1, 5 and 30 min while the configuration is wrong and a token lives, and so that the last try fits', async () => {
    const fixture = createBroker({ jitterMs: 0, aheadMs: 3_600_000 });
    await fixture.start();
    fixture.issuer.next.push(...Array.from({ length: 99 }, () => fixture.issuer.refuse(40013)));
    await fixture.run(LIFE_MS / 2 - 1000);
    const startMs = fixture.clock.monotonicMs() + 1000;
    const askedAfterS: number[] = [];
    while (servedValue(fixture)) {
      const before = fixture.issuer.calls.length;
      await fixture.run(250);
      if (fixture.issuer.calls.length > before) {
        askedAfterS.push(Math.round((fixture.clock.monotonicMs() - startMs) / 1000));
      }
    }
    expect(askedAfterS.slice(0, 5)).toEqual([0, 20, 80, 380, 2180]);
    expect(askedAfterS.length).toBeLessThan(10);
    expect(askedAfterS.at(-1)).toBeGreaterThan(3580);
    const before = fixture.issuer.calls.length;
    await fixture.run(4.9 * MINUTE_MS);
    expect(fixture.issuer.calls.length - before).toBeLessThanOrEqual(1);
    await fixture.run(35 * MINUTE_MS);
    expect(fixture.issuer.calls.length - before).toBeLessThanOrEqual(3);
  });

  it('loses nothing by one wrong refusal at the time of the refresh', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(fixture.issuer.refuse(40013));
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 25_000);
    expect(servedValue(fixture)).toBe('token-2');
  });

  it('leaves it to other replicas when the platform refuses the address of this one', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    const sibling = fixture.sibling();
    const run = async (ms: number): Promise<void> => {
      for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
        await fixture.run(250);
        sibling.runDue();
        await settle();
      }
    };
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    await sibling.start();
    fixture.issuer.next.push(fixture.issuer.refuse(61004));
    await run(LIFE_MS - REFRESH.aheadMs + 1000);
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(servedValue(fixture)).toBe('token-2');
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'degraded',
      lastError: {
        class: 'configuration',
        errcode: 61004,
        message: 'the address of replica replica-1 is refused: refused with 61004',
        remedy:
          'What to do about 61004. Once that is mended, POST /token/refresh with "force": true asks at once.',
      },
    });
    expect(sibling.status(APP)).toMatchObject({ state: 'ok', lastError: null });
    await report(fixture, { force: true });
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });

  it('tells a caller of a replica whose address is refused to ask again soon: another one may answer', async () => {
    const fixture = createBroker();
    fixture.issuer.next.push(fixture.issuer.refuse(61004));
    await fixture.start();
    expect(fixture.broker.isReady).toBe(true);
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      errcode: 61004,
      retryAfterSeconds: 5,
      message: expect.stringContaining('This replica tries again in 300 s, others may before.') as string,
    });
    expect((await fixture.store.read(fixture.app)).backOff).toBeNull();
    await fixture.run(4.9 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('stops at the day’s budget, says so, and goes on the next day', async () => {
    const fixture = createBroker({ dailyBudget: 2 });
    fixture.issuer.lifeSeconds = 1000;
    await fixture.start();
    await fixture.run(2_000_000);
    expect(fixture.issuer.calls).toHaveLength(2);
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'token_expired',
      message: expect.stringContaining('dailyBudget') as string,
    });
    const status = fixture.broker.status(APP);
    expect(status).toMatchObject({
      state: 'expired',
      fetchesToday: 2,
      fetchBudget: 2,
      lastError: {
        class: 'budget',
        errcode: null,
        message: "today's 2 fetches are used up; the day begins at 00:00 UTC+8",
        remedy: expect.stringContaining('dailyBudget') as string,
      },
    });
    expect(status.nextRefreshAtMs).toBe(nextDayAtMs(status.nowMs, REFRESH.dayOffsetMs));
    await fixture.clock.advance(14 * 3_600_000);
    await fixture.run(1000);
    expect(servedValue(fixture)).toBe('token-3');
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', fetchesToday: 1 });
  });

  it('does not send what was granted too long ago', async () => {
    const fixture = createBroker();
    const begin = fixture.store.begin.bind(fixture.store);
    fixture.store.begin = async (...args) => {
      const begun = await begin(...args);
      await fixture.clock.advance(1001);
      return begun;
    };
    await fixture.start();
    await fixture.clock.advance(2000);
    expect(fixture.issuer.calls).toHaveLength(0);
    expect((await fixture.store.read(fixture.app)).intent).toBeNull();
  });

  it('lets a lease that was lost between acquire and begin fetch nothing', async () => {
    const fixture = createBroker();
    const begin = fixture.store.begin.bind(fixture.store);
    fixture.store.begin = async (app, request) => {
      await fixture.lease.release(request.lease);
      return begin(app, request);
    };
    await fixture.start();
    expect(fixture.issuer.calls).toHaveLength(0);
    expect(fixture.emitted).toContainEqual({ app: APP, kind: 'lease', result: 'lost' });
  });
});

describe('a new AppSecret', () => {
  it('is tried at once, whatever the old one was refused for', async () => {
    const fixture = createBroker();
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    await fixture.start();
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(servedValue(fixture)).toBe('token-1');
    expect(fixture.issuer.calls.map(({ appSecret }) => appSecret)).toEqual(['first-secret', 'second-secret']);
  });

  it('is news only once', async () => {
    const fixture = createBroker();
    await fixture.start();
    await fixture.broker.changeSecret(APP, 'first-secret');
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('that is refused leaves the old one in use', async () => {
    const fixture = createBroker({ aheadMs: 3_600_000, jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    await fixture.broker.changeSecret(APP, 'mistyped-secret');
    expect(servedValue(fixture)).toBe('token-1');
    await fixture.run(LIFE_MS / 2 + 2000);
    expect(fixture.issuer.calls.map(({ appSecret }) => appSecret)).toEqual([
      'first-secret',
      'mistyped-secret',
      'first-secret',
    ]);
    expect(servedValue(fixture)).toBe('token-2');
  });

  it('that is refused is an error until it is corrected, although the old one works on', async () => {
    const fixture = createBroker({ aheadMs: 3_600_000, jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    const refusedAtMs = fixture.clock.wallMs();
    await fixture.broker.changeSecret(APP, 'mistyped-secret');
    const refused = {
      state: 'degraded',
      lastError: {
        class: 'configuration',
        errcode: 40125,
        message: expect.stringContaining('the AppSecret that was read last was refused') as string,
        remedy: expect.stringContaining('Correct the file of apps[].appSecret') as string,
        atMs: refusedAtMs,
      },
    };
    expect(fixture.broker.status(APP)).toMatchObject(refused);
    await fixture.run(LIFE_MS / 2 + 2000);
    expect(servedValue(fixture)).toBe('token-2');
    expect(fixture.broker.status(APP)).toMatchObject(refused);
    await fixture.broker.changeSecret(APP, 'right-secret');
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });

  it('that the platform learns of later is tried again when the old one is refused', async () => {
    const fixture = createBroker({ aheadMs: 3_600_000, jitterMs: 0 });
    const { issuer } = fixture;
    await fixture.start();
    issuer.next.push(issuer.refuse(40125));
    await fixture.broker.changeSecret(APP, 'second-secret');
    issuer.next.push(issuer.refuse(40125));
    await fixture.run(LIFE_MS / 2 + 5000);
    expect(issuer.calls.map(({ appSecret }) => appSecret)).toEqual([
      'first-secret',
      'second-secret',
      'first-secret',
      'second-secret',
    ]);
    expect(servedValue(fixture)).toBe('token-2');
  });
});
