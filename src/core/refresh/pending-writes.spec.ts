import {
  CLASSIC_RULE,
  ALL_COMMANDS,
  createBroker,
  REFRESH,
  type BrokerFixture,
  APP,
  LIFE_MS,
  servedValue,
} from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';

const MINUTE_MS = 60_000;

describe('a store that fails in the middle of a fetch', () => {
  it('loses no token: it is served at once and stored when the store is back', async () => {
    const fixture = createBroker();
    fixture.cutStore('commit');
    await fixture.start();
    expect(servedValue(fixture)).toBe('token-1');
    expect((await fixture.store.read(fixture.app)).record).toBeNull();
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs);
    expect((await fixture.store.read(fixture.app)).record?.value).toBe('token-1');
    expect(fixture.broker.status(APP).state).toBe('ok');
    expect(fixture.issuer.calls).toHaveLength(1);
  });
});

describe('a fetch whose fate the store was not told', () => {
  it('is told when the store is back, and verified', async () => {
    const fixture = createBroker({ aheadMs: 3_600_000, jitterMs: 0 });
    fixture.issuer.rule = CLASSIC_RULE;
    await fixture.start();
    fixture.issuer.next.push({ kind: 'unknown', cause: new Error('connection reset') });
    fixture.cutStore('abort', 'reconcile');
    await fixture.run(LIFE_MS / 2 + 500);
    expect(fixture.issuer.calls).toHaveLength(2);
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs);
    await fixture.run(3 * REFRESH.leaseMs);
    expect(fixture.emitted.filter(({ kind }) => kind === 'suspected')).toHaveLength(1);
    expect(fixture.broker.status(APP).state).toBe('ok');
    expect(fixture.issuer.calls).toHaveLength(4);
  });

  it('is told also of a fetch that was sent without it', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    fixture.issuer.next.push({ kind: 'unknown', cause: new Error('connection reset') });
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 500);
    expect(fixture.issuer.calls).toHaveLength(2);
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs);
    expect((await fixture.store.read(fixture.app)).beganAtMs).toBeGreaterThan(0);
    expect(fixture.emitted.map(({ kind }) => kind)).toContain('suspected');
    await fixture.run(3 * REFRESH.leaseMs);
    expect(fixture.broker.status(APP).state).toBe('ok');
  });
});

describe('ends of fetches that the store could not be told of', () => {
  /** Lets time go by in steps that are longer than any back-off. */
  const outage = async (fixture: BrokerFixture, attempts: number): Promise<void> => {
    for (let attempt = 0; attempt < attempts; attempt += 1) {
      fixture.issuer.next.push({ kind: 'unknown', cause: new Error('socket hang up') });
      await fixture.clock.advance(MINUTE_MS + 1000);
      fixture.broker.runDue();
      await settle();
    }
  };

  it('are all told when it is back', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.clock.advance(LIFE_MS);
    await outage(fixture, 40);
    expect(fixture.issuer.calls).toHaveLength(41);
    const told: number[] = [];
    const abort = fixture.store.abort.bind(fixture.store);
    fixture.store.abort = (app, request) => {
      told.push(request.permit.fence);
      return abort(app, request);
    };
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs);
    expect(new Set(told).size).toBe(40);
  });

  it('are waited for before a further fetch is sent, once there are 500', async () => {
    const fixture = createBroker({ dailyBudget: 100_000 });
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.clock.advance(LIFE_MS);
    await outage(fixture, 520);
    expect(fixture.issuer.calls).toHaveLength(501);
    fixture.issuer.next.length = 0;
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs + 3 * REFRESH.leaseMs);
    expect(fixture.broker.status(APP).state).toBe('ok');
  });
});
