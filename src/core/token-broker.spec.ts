import { createBroker, REFRESH, type BrokerFixture } from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';

const APP = 'shop';
const MINUTE_MS = 60_000;
const LIFE_MS = 7_200_000;
const UNKNOWN = { kind: 'unknown', cause: new Error('connection reset') } as const;
const NOT_SENT = { kind: 'not_sent', cause: new Error('connection refused') } as const;

function value({ broker }: BrokerFixture): string | undefined {
  return broker.held(APP)?.record.value;
}

/** The store comes back empty. */
function loseStore(fixture: BrokerFixture): void {
  const emptied = createBroker();
  for (const method of ['read', 'begin', 'commit', 'abort', 'reconcile'] as const) {
    Object.assign(fixture.store, { [method]: emptied.store[method].bind(emptied.store) });
  }
  Object.assign(emptied.store, { lease: fixture.lease, clock: fixture.clock });
}

describe('a cold start', () => {
  it('costs one fetch for any number of callers', async () => {
    const { broker, issuer } = createBroker();
    const tokens = await Promise.all(Array.from({ length: 100 }, () => broker.current(APP)));
    expect(new Set(tokens.map(({ record }) => record.value))).toEqual(new Set(['token-1']));
    expect(issuer.calls).toHaveLength(1);
  });

  it('costs one fetch for two replicas', async () => {
    const fixture = createBroker();
    const sibling = fixture.sibling();
    const answer = fixture.issuer.later();
    fixture.issuer.next.push(answer.outcome);
    const both = Promise.all([fixture.broker.current(APP), sibling.current(APP)]);
    await fixture.clock.advance(300);
    answer.answer(fixture.issuer.mint());
    await fixture.clock.advance(300);
    const [here, there] = await both;
    expect(here.record).toEqual(there.record);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('fetches nothing before it has asked the store, however early the timers tick', async () => {
    const fixture = createBroker();
    fixture.broker.renewDue();
    fixture.broker.reconcileDue();
    await settle();
    expect(fixture.issuer.calls).toHaveLength(0);
    await fixture.start();
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('adopts a token that is stored already', async () => {
    const fixture = createBroker();
    await fixture.start();
    const sibling = fixture.sibling();
    await sibling.start();
    expect(sibling.held(APP)?.record).toEqual(fixture.broker.held(APP)?.record);
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('says what the platform answered, what to do and when it is tried again', async () => {
    const { broker, issuer } = createBroker();
    issuer.next.push(issuer.refuse(40164));
    await expect(broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      errcode: 40164,
      retryAfterSeconds: 300,
      message:
        'There is no token yet: the platform answered 40164 (refused with 40164). What to do about 40164. Next attempt in 300 s.',
    });
    await expect(broker.current(APP)).rejects.toMatchObject({ code: 'no_token_yet' });
    expect(issuer.calls).toHaveLength(1);
  });

  it('says that the platform cannot be reached', async () => {
    const { broker, issuer } = createBroker();
    issuer.next.push(NOT_SENT);
    await expect(broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      errcode: undefined,
      message: expect.stringMatching(/connection refused.*egress firewall/) as string,
    });
  });

  it('ends for a caller when the platform hangs', async () => {
    const { broker, issuer, clock } = createBroker();
    issuer.next.push(issuer.later().outcome);
    const refused = expect(broker.current(APP)).rejects.toMatchObject({ code: 'no_token_yet' });
    await clock.advance(REFRESH.upstreamTimeoutMs);
    await refused;
  });
});

describe('readiness', () => {
  it('comes with the first token', async () => {
    const fixture = createBroker();
    expect(fixture.broker.isReady).toBe(false);
    await fixture.start();
    expect(fixture.broker.isReady).toBe(true);
  });

  it.each([
    [40164, true],
    [45009, true],
    [-1, false],
  ])('after errcode %d at the start is %s', async (errcode, isReady) => {
    const fixture = createBroker();
    fixture.issuer.next.push(fixture.issuer.refuse(errcode));
    await fixture.start();
    expect(fixture.broker.isReady).toBe(isReady);
  });

  it('stays, whatever becomes of the platform', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.next.push(...Array.from({ length: 500 }, () => NOT_SENT));
    await fixture.run(LIFE_MS + MINUTE_MS);
    expect(value(fixture)).toBeUndefined();
    expect(fixture.broker.isReady).toBe(true);
  });
});

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
    expect(value(fixture)).toBe('token-1');
    await expect(fixture.broker.current(APP)).resolves.toMatchObject({ record: { value: 'token-1' } });
    answer.answer(fixture.issuer.mint());
    await settle();
    expect(value(fixture)).toBe('token-2');
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
    expect(value(fixture)).toBe('token-1');
    await fixture.clock.advance(1);
    expect(value(fixture)).toBeUndefined();
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
    expect(value(fixture)).toBe('token-2');
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
    expect(value(fixture)).toBe('token-1');
    await fixture.run(MINUTE_MS);
    expect(value(fixture)).toBe('token-2');
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
    expect(value(fixture)).toBe('token-1');
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
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'expired', fetchesToday: 2, fetchBudget: 2 });
    await fixture.clock.advance(14 * 3_600_000);
    await fixture.run(1000);
    expect(value(fixture)).toBe('token-3');
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
    expect((await fixture.store.read(APP)).intent).toBeNull();
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

describe('doubt', () => {
  it('fetches again, two lease times later, when nobody knows what came of a fetch', async () => {
    const fixture = createBroker({ aheadMs: 3_600_000, jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(UNKNOWN);
    await fixture.run(LIFE_MS / 2 + 3000);
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(fixture.broker.status(APP).state).toBe('suspect');
    await fixture.run(2 * REFRESH.leaseMs);
    expect(fixture.issuer.calls).toHaveLength(4);
    expect(fixture.broker.status(APP).state).toBe('ok');
    expect(fixture.facts.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['suspected', 'healed']));
    await fixture.run(10 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(4);
  });

  it('heals what a replica left behind that died while it fetched', async () => {
    const fixture = createBroker();
    await fixture.start();
    const acquired = await fixture.lease.acquire(APP, REFRESH.leaseMs);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    await fixture.store.begin(APP, {
      lease: acquired.lease,
      forced: false,
      seenGeneration: Number.MAX_SAFE_INTEGER,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: { daily: 9, forcedDaily: 9 },
      leaseMs: REFRESH.leaseMs,
    });
    await fixture.run(REFRESH.leaseMs);
    expect(fixture.issuer.calls).toHaveLength(1);
    await fixture.run(2 * REFRESH.leaseMs);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.broker.status(APP).state).toBe('ok');
  });

  it('serves its own token and replaces it when the store lost everything', async () => {
    const fixture = createBroker();
    await fixture.start();
    loseStore(fixture);
    await fixture.run(REFRESH.reconcileMs * 1.5);
    expect(value(fixture)).toBe('token-1');
    expect(fixture.broker.status(APP).state).toBe('suspect');
    await fixture.run(2 * REFRESH.leaseMs);
    expect(value(fixture)).toBe('token-2');
    expect(fixture.broker.status(APP).state).toBe('ok');
  });

  it('keeps a token that falls due waiting until its replacement cannot be overtaken', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    await fixture.run(LIFE_MS - REFRESH.aheadMs - 2 * REFRESH.reconcileMs);
    loseStore(fixture);
    await fixture.run(2 * REFRESH.leaseMs - 1);
    expect(fixture.issuer.calls).toHaveLength(1);
    await fixture.run(2 * REFRESH.reconcileMs);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.broker.status(APP).state).toBe('ok');
  });
});

describe('a store whose clock was set back', () => {
  it('makes no token live longer than it was given', async () => {
    const fixture = createBroker();
    fixture.issuer.lifeSeconds = 100;
    await fixture.start();
    const reconcile = fixture.store.reconcile.bind(fixture.store);
    fixture.store.reconcile = async (...args) => {
      const view = await reconcile(...args);
      return { ...view, nowMs: view.nowMs - 3_600_000 };
    };
    const sibling = fixture.sibling();
    await sibling.start();
    const { deadlineMonoMs } = sibling.held(APP) ?? { deadlineMonoMs: Infinity };
    expect(deadlineMonoMs - fixture.clock.monotonicMs()).toBeLessThanOrEqual(100_000);
  });
});

describe('several replicas', () => {
  it('wait for the holder and take its token over, which costs one fetch', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    const sibling = fixture.sibling();
    await sibling.start();
    await fixture.clock.advance(LIFE_MS - REFRESH.aheadMs + 1000);
    fixture.broker.renewDue();
    sibling.renewDue();
    await fixture.clock.advance(1000);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(sibling.held(APP)?.record.value).toBe('token-2');
  });

  it('leave the next attempt to the others after one that got no answer', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    const sibling = fixture.sibling();
    await sibling.start();
    fixture.issuer.next.push(NOT_SENT);
    for (let leftMs = LIFE_MS - REFRESH.aheadMs + 5000; leftMs > 0; leftMs -= 250) {
      await fixture.clock.advance(250);
      for (const replica of [fixture.broker, sibling]) {
        replica.renewDue();
        replica.reconcileDue();
        await settle();
      }
    }
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(sibling.held(APP)?.record).toMatchObject({ value: 'token-2', owner: 'replica-2' });
  });

  it('give up waiting for a holder that ended without a token', async () => {
    const fixture = createBroker();
    await fixture.lease.acquire(APP, REFRESH.leaseMs);
    const refused = expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      message: expect.stringContaining('on its way') as string,
    });
    await fixture.clock.advance(400);
    await refused;
    expect(fixture.issuer.calls).toHaveLength(0);
  });

  it('never serve an older token to a caller that names what it has seen', async () => {
    const fixture = createBroker();
    await fixture.start();
    const sibling = fixture.sibling();
    await sibling.start();
    await fixture.broker.report(APP, { caller: 'a', force: true });
    await settle();
    const seen = fixture.broker.held(APP)?.record.generation ?? 0;
    await expect(sibling.current(APP, seen)).resolves.toMatchObject({ record: { generation: seen } });
    await expect(sibling.current(APP, seen + 1)).rejects.toMatchObject({
      code: 'behind',
      retryAfterSeconds: 1,
    });
  });
});

describe('a new AppSecret', () => {
  it('is tried at once, whatever the old one was refused for', async () => {
    const fixture = createBroker();
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    await fixture.start();
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(value(fixture)).toBe('token-1');
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
    expect(value(fixture)).toBe('token-1');
    await fixture.run(LIFE_MS / 2 + 2000);
    expect(fixture.issuer.calls.map(({ appSecret }) => appSecret)).toEqual([
      'first-secret',
      'mistyped-secret',
      'first-secret',
    ]);
    expect(value(fixture)).toBe('token-2');
  });
});

describe('stopping', () => {
  it('awaits and stores a fetch that was sent, and starts no other', async () => {
    const fixture = createBroker();
    const answer = fixture.issuer.later();
    fixture.issuer.next.push(answer.outcome);
    await fixture.start();
    let isStopped = false;
    const stopping = fixture.broker.stop().then(() => {
      isStopped = true;
    });
    await settle();
    expect(isStopped).toBe(false);
    const waiting = fixture.broker.current(APP);
    answer.answer(fixture.issuer.mint());
    await stopping;
    await expect(waiting).resolves.toMatchObject({ record: { value: 'token-1' } });
    expect((await fixture.store.read(APP)).record?.value).toBe('token-1');
    await fixture.run(LIFE_MS);
    expect(fixture.issuer.calls).toHaveLength(1);
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({ code: 'token_expired' });
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(fixture.issuer.calls).toHaveLength(1);
  });
});

describe('an unknown app', () => {
  it('is an error everywhere', async () => {
    const { broker } = createBroker();
    expect(broker.apps).toEqual([APP]);
    expect(broker.held('nope')).toBeUndefined();
    expect(() => broker.status('nope')).toThrow(/no app "nope"/);
    await expect(broker.current('nope')).rejects.toMatchObject({ code: 'unknown_app' });
    await expect(broker.report('nope', { caller: 'a', force: false })).rejects.toMatchObject({
      code: 'unknown_app',
    });
  });
});

describe('many apps', () => {
  it('are not all fetched at the same moment', async () => {
    const fixture = createBroker();
    const { issuer } = fixture;
    const broker = fixture.brokerOf(100);
    const answers = Array.from({ length: 64 }, () => issuer.later());
    issuer.next.push(...answers.map(({ outcome }) => outcome));
    await broker.start();
    await settle();
    broker.renewDue();
    await settle();
    expect(issuer.calls).toHaveLength(64);
    for (const { answer } of answers) answer(issuer.mint());
    await settle();
    broker.renewDue();
    await settle();
    expect(issuer.calls).toHaveLength(100);
  });
});

describe('whose token it is', () => {
  it('is told of the current one and of the one before, and not of what is kept besides apps', async () => {
    const fixture = createBroker();
    const { broker, clock, app } = fixture;
    await fixture.start();
    broker.keepAlso({ ...app, name: 'shop/jsapi' });
    const { value } = (await broker.current('shop/jsapi')).record;
    expect([broker.appOf('token-1'), broker.appOf(value), broker.appOf('')]).toEqual([
      'shop',
      undefined,
      undefined,
    ]);
    await clock.advance(7_200_000 - 240_000);
    broker.renewDue();
    await settle();
    const next = broker.held('shop')?.record.value ?? '';
    expect(next).not.toBe('token-1');
    expect([broker.appOf('token-1'), broker.appOf(next)]).toEqual(['shop', 'shop']);
  });

  it('is not told of one that was reported dead', async () => {
    const fixture = createBroker();
    const { broker } = fixture;
    await fixture.start();
    await broker.report('shop', { caller: 'orders', force: false });
    expect([broker.appOf('token-1'), broker.appOf('token-2')]).toEqual([undefined, 'shop']);
  });
});

describe('who watches', () => {
  it('is told of each newer token, whichever replica fetched it, once, and no more after leaving', async () => {
    const fixture = createBroker();
    const { broker, clock } = fixture;
    const sibling = fixture.sibling();
    const [own, other]: [string[], string[]] = [[], []];
    const leave = broker.watch(APP, ({ record }) => own.push(record.value));
    sibling.watch(APP, ({ record }) => other.push(record.value));
    await fixture.start();
    await sibling.start();
    await settle();
    expect([own, other]).toEqual([['token-1'], ['token-1']]);

    await clock.advance(LIFE_MS - 4 * MINUTE_MS);
    broker.renewDue();
    await settle();
    broker.reconcileDue();
    await settle();
    expect([own, other]).toEqual([
      ['token-1', 'token-2'],
      ['token-1', 'token-2'],
    ]);

    leave();
    await broker.report(APP, { caller: 'orders', force: true });
    await settle();
    expect(own).toHaveLength(2);
    expect(other).toHaveLength(3);
    expect(() => broker.watch('other', () => undefined)).toThrow('There is no app "other"');
  });
});
