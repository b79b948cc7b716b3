import {
  APP,
  type BrokerFixture,
  createBroker,
  LIFE_MS,
  NOT_SENT,
  REFRESH,
  servedValue,
  OVERTAKEN,
} from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';
import { NO_COUNT } from './refresh/budgets.js';
import { sleep } from './ports/clock.js';
import type { StoreView } from './ports/token-store.js';

const MINUTE_MS = 60_000;
const UNKNOWN = { kind: 'unknown', cause: new Error('connection reset') } as const;

/** The store comes back empty. */
function loseStore(fixture: BrokerFixture): void {
  const emptied = createBroker();
  for (const method of ['read', 'begin', 'commit', 'abort', 'reconcile'] as const) {
    Object.assign(fixture.store, { [method]: emptied.store[method].bind(emptied.store) });
  }
  Object.assign(emptied.store, { lease: fixture.lease, clock: fixture.clock });
}

describe('a store that counts nothing and suspects every token', () => {
  it('does not make a replica spend more than half of the day’s budget on it', async () => {
    const fixture = createBroker({ dailyBudget: 60 });
    const { store } = fixture;
    const forged = <View extends StoreView>(view: View): View => ({
      ...view,
      suspect: Number.MAX_SAFE_INTEGER - 1,
      beganAtMs: 0,
      count: NO_COUNT,
    });
    const reconcile = store.reconcile.bind(store);
    store.reconcile = async (...request) => forged(await reconcile(...request));
    const begin = store.begin.bind(store);
    store.begin = async (app, request) => {
      const begun = await begin(app, {
        ...request,
        budget: { ...request.budget, daily: Infinity, forcedDaily: Infinity },
      });
      return begun.kind === 'granted' ? begun : { ...begun, view: forged(begun.view) };
    };
    await fixture.start();
    await fixture.run(10 * MINUTE_MS);
    expect(fixture.issuer.calls.length).toBeLessThanOrEqual(12);
    await fixture.run(10 * 60 * MINUTE_MS);
    expect(fixture.issuer.calls.length).toBeLessThanOrEqual(31 + 10);
    expect(servedValue(fixture)).toBeDefined();
  }, 60_000);
});

describe('a broker with a suspect token', () => {
  it('fetches again, two lease times later, when nobody knows what came of a fetch', async () => {
    const fixture = createBroker({ aheadMs: 3_600_000, jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(UNKNOWN);
    await fixture.run(LIFE_MS / 2 + 3000);
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(fixture.broker.status(APP)).toMatchObject(OVERTAKEN);
    await fixture.run(2 * REFRESH.leaseMs);
    expect(fixture.issuer.calls).toHaveLength(4);
    expect(fixture.broker.status(APP).state).toBe('ok');
    expect(fixture.emitted.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['suspected', 'healed']));
    await fixture.run(10 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(4);
  });

  it('heals what a replica left behind that died while it fetched', async () => {
    const fixture = createBroker();
    await fixture.start();
    const acquired = await fixture.lease.acquire(fixture.app, REFRESH.leaseMs);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    await fixture.store.begin(fixture.app, {
      lease: acquired.lease,
      charge: null,
      credential: null,
      seenGeneration: Number.MAX_SAFE_INTEGER,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: { daily: 9, forcedDaily: 9, dayOffsetMs: REFRESH.dayOffsetMs },
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
    expect(servedValue(fixture)).toBe('token-1');
    expect(fixture.broker.status(APP)).toMatchObject(OVERTAKEN);
    await fixture.run(2 * REFRESH.leaseMs);
    expect(servedValue(fixture)).toBe('token-2');
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
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    await settle();
    const { deadlineMonoMs } = sibling.held(APP) ?? { deadlineMonoMs: Infinity };
    expect(deadlineMonoMs - fixture.clock.monotonicMs()).toBeLessThanOrEqual(100_000);
  });
});

describe('several replicas', () => {
  it('wait for the holder and take its token over, which costs one fetch', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    await fixture.clock.advance(LIFE_MS - REFRESH.aheadMs + 1000);
    fixture.broker.runDue();
    sibling.runDue();
    await fixture.clock.advance(1000);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(sibling.held(APP)?.record.value).toBe('token-2');
  });

  it('leave the next attempt to the others after one that got no answer', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    fixture.issuer.next.push(NOT_SENT);
    for (let leftMs = LIFE_MS - REFRESH.aheadMs + 5000; leftMs > 0; leftMs -= 250) {
      await fixture.clock.advance(250);
      for (const replica of [fixture.broker, sibling]) {
        replica.runDue();
        await settle();
      }
    }
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(sibling.held(APP)?.record).toMatchObject({ value: 'token-2', owner: 'replica-2' });
  });

  it('give up waiting for a holder that ended without a token', async () => {
    const fixture = createBroker();
    await fixture.lease.acquire(fixture.app, REFRESH.leaseMs);
    const refused = expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      message: expect.stringContaining('on its way') as string,
    });
    await fixture.clock.advance(400);
    await refused;
    expect(fixture.issuer.calls).toHaveLength(0);
  });

  it('read again at once what they are told of while they read', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    const { store } = fixture;
    const reconcile = store.reconcile.bind(store);
    store.reconcile = async (...request) => {
      store.reconcile = reconcile;
      const view = await reconcile(...request);
      await sleep(fixture.clock, 100);
      return view;
    };
    const early = expect(sibling.current(APP, Infinity)).rejects.toMatchObject({ code: 'behind' });
    await settle();
    await fixture.broker.report(APP, { caller: 'a', force: true });
    await fixture.clock.advance(250);
    await early;
    sibling.runDue();
    await settle();
    expect(sibling.held(APP)?.record.value).toBe(servedValue(fixture));
  });

  it('never serve an older token to a caller that names what it has seen', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
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
