import {
  APP,
  createBroker,
  LIFE_MS,
  NOT_SENT,
  REFRESH,
  servedValue,
} from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';
import { nextMidnightUtc8Ms } from './renewal-policy.js';

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

  it('asks once in five minutes, then once in thirty, while the configuration is wrong', async () => {
    const fixture = createBroker({ jitterMs: 0, aheadMs: 3_600_000 });
    await fixture.start();
    fixture.issuer.next.push(...Array.from({ length: 99 }, () => fixture.issuer.refuse(40164)));
    await fixture.run(LIFE_MS / 2 + 1000);
    expect(fixture.issuer.calls).toHaveLength(2);
    await fixture.run(4.9 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(2);
    await fixture.run(0.2 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(3);
    await fixture.run(29 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(servedValue(fixture)).toBe('token-1');
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
    expect(status.nextRefreshAtMs).toBe(nextMidnightUtc8Ms(status.nowMs));
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
    expect(fixture.facts).toContainEqual({ app: APP, kind: 'lease', result: 'lost' });
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
