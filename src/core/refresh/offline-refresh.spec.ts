import {
  CLASSIC_RULE,
  ALL_COMMANDS,
  createBroker,
  REFRESH,
  type BrokerFixture,
  APP,
  LIFE_MS,
  servedValue,
  OVERTAKEN,
} from '../../../test/support/create-broker.js';
import { StoreUnavailableError } from '../errors.js';

const MINUTE_MS = 60_000;

async function startedClassic(): Promise<BrokerFixture> {
  const fixture = createBroker({ aheadMs: 900_000, jitterMs: 0 });
  fixture.issuer.rule = CLASSIC_RULE;
  await fixture.start();
  return fixture;
}

describe('while the store is away', () => {
  it('serves from memory and says so', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(10 * MINUTE_MS);
    expect(servedValue(fixture)).toBe('token-1');
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'degraded',
      lastError: {
        errcode: null,
        message: 'the store does not answer: connection is closed',
        remedy: expect.stringContaining('Bring the store back') as string,
      },
    });
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
    expect(fixture.issuer.calls).toHaveLength(1);
    const kinds = fixture.emitted.map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === 'store_unavailable')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'store_available')).toHaveLength(1);
  });

  it('each reason is told once, as it comes', async () => {
    const fixture = createBroker();
    await fixture.start();
    const { store } = fixture;
    const reconcile = store.reconcile.bind(store);
    const fail = (message: string, remedy?: string): void => {
      store.reconcile = () => Promise.reject(new StoreUnavailableError(message, { remedy }));
    };
    for (const message of ['closed', 'refused after 240 ms', 'refused after 250 ms', 'closed']) {
      fail(message);
      await fixture.run(2 * REFRESH.reconcileMs);
    }
    fail('WRONGPASS', 'Correct the password.');
    await fixture.run(2 * REFRESH.reconcileMs);
    const told = fixture.emitted.flatMap((event) =>
      event.kind === 'store_unavailable' ? [event.message] : [],
    );
    expect(told).toEqual(['closed', 'refused after 240 ms', 'WRONGPASS']);
    expect(fixture.broker.status(APP).lastError).toMatchObject({ remedy: 'Correct the password.' });
    store.reconcile = reconcile;
    await fixture.run(2 * REFRESH.reconcileMs);
    fail('closed');
    await fixture.run(2 * REFRESH.reconcileMs);
    expect(fixture.emitted.at(-1)).toMatchObject({ kind: 'store_unavailable', message: 'closed' });
  });

  it('a stable token is renewed when it is due, and stored and verified when the store is back', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 3000);
    expect(servedValue(fixture)).toBe('token-2');
    expect(fixture.issuer.calls).toHaveLength(2);
    fixture.cutStore();
    await fixture.run(2 * REFRESH.reconcileMs);
    expect((await fixture.store.read(fixture.app)).record?.value).toBe('token-2');
    expect(fixture.broker.status(APP)).toMatchObject(OVERTAKEN);
    await fixture.run(2 * REFRESH.leaseMs);
    expect(fixture.issuer.calls).toHaveLength(3);
    expect(fixture.broker.status(APP).state).toBe('ok');
    expect(fixture.emitted.findLast(({ kind }) => kind === 'rotated')).toMatchObject({ reason: 'rollback' });
  });

  it('a stable token can be had from a cold start', async () => {
    const fixture = createBroker();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.start();
    expect(servedValue(fixture)).toBe('token-1');
    expect(fixture.broker.isReady).toBe(true);
  });

  it('a classic token is left alone until the last minute of its life, then replaced once', async () => {
    const fixture = await startedClassic();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(LIFE_MS - 1.1 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(1);
    await fixture.run(MINUTE_MS);
    expect(servedValue(fixture)).toBe('token-2');
    await fixture.run(30 * MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('a replica without a token does not kill the classic token that others may serve', async () => {
    const fixture = createBroker();
    fixture.issuer.rule = CLASSIC_RULE;
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.start();
    await fixture.run(5000);
    expect(fixture.issuer.calls).toHaveLength(0);
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      message: expect.stringContaining('the store does not answer (connection is closed)') as string,
    });
  });

  it('a classic token that is proven dead is replaced, within the budget of the day', async () => {
    const fixture = createBroker({ dailyBudget: 2 });
    fixture.issuer.rule = CLASSIC_RULE;
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(2000);
    const report = () => fixture.broker.report(APP, { caller: 'orders', force: false });
    expect(await report()).toMatchObject({ reason: 'rotated', token: { record: { value: 'token-2' } } });
    await fixture.run(31_000);
    await expect(report()).rejects.toMatchObject({ code: 'upstream_unavailable' });
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('backs off from a platform that fails too, and names both', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.issuer.next.push(
      { kind: 'not_sent', cause: new Error('connection refused') },
      ...Array.from({ length: 3 }, () => fixture.issuer.refuse(40164)),
    );
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 1000);
    expect(fixture.broker.status(APP).lastError).toMatchObject({ message: 'connection refused' });
    await fixture.run(MINUTE_MS);
    expect(fixture.broker.status(APP).lastError).toMatchObject({ errcode: 40164 });
    await fixture.run(2 * MINUTE_MS);
    expect(servedValue(fixture)).toBe('token-1');
    fixture.cutStore();
    await fixture.run(MINUTE_MS);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });
});

describe('a new AppSecret while the store is away', () => {
  it('is tried at once, however long the wait for the refused one is', async () => {
    const fixture = createBroker({ jitterMs: 0 });
    await fixture.start();
    fixture.cutStore(...ALL_COMMANDS);
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 1000);
    expect(fixture.issuer.calls).toHaveLength(2);
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(fixture.issuer.calls.at(-1)).toMatchObject({ appSecret: 'second-secret' });
    expect(servedValue(fixture)).toBe('token-2');
  });

  it('is tried at once also if the token is not due, but kills no classic one for that', async () => {
    const stable = createBroker();
    await stable.start();
    stable.cutStore(...ALL_COMMANDS);
    await stable.run(2000);
    await stable.broker.changeSecret(APP, 'second-secret');
    expect(stable.issuer.calls).toHaveLength(2);
    const classic = await startedClassic();
    classic.cutStore(...ALL_COMMANDS);
    await classic.run(2000);
    await classic.broker.changeSecret(APP, 'second-secret');
    expect(classic.issuer.calls).toHaveLength(1);
  });
});

describe('a refusal while the store is away', () => {
  it('is told with its own time and with that of the next attempt', async () => {
    const fixture = createBroker();
    fixture.cutStore(...ALL_COMMANDS);
    fixture.issuer.next.push(fixture.issuer.refuse(40125), fixture.issuer.refuse(40125));
    const refusedAtMs = fixture.clock.wallMs();
    await fixture.start();
    await fixture.run(MINUTE_MS);
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      errcode: 40125,
      retryAfterSeconds: 240,
    });
    expect(fixture.broker.status(APP)).toMatchObject({
      nextRefreshAtMs: refusedAtMs + 5 * MINUTE_MS,
      lastError: { errcode: 40125, atMs: refusedAtMs },
    });
    await fixture.run(4 * MINUTE_MS + 3000);
    expect(fixture.issuer.calls).toHaveLength(2);
  });

  it('of a classic token that lives on is not tried before its last minute', async () => {
    const fixture = await startedClassic();
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.run(10_000);
    const { nextRefreshAtMs, expiresAtMs } = fixture.broker.status(APP);
    expect(Number(expiresAtMs) - Number(nextRefreshAtMs)).toBe(0.75 * MINUTE_MS);
  });
});
