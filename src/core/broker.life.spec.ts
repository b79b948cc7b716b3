import {
  CLASSIC_RULE,
  ALL_COMMANDS,
  APP,
  createBroker,
  LIFE_MS,
  NOT_SENT,
  servedValue,
} from '../../test/support/create-broker.js';
import { settle } from '../../test/support/manual-clock.js';

const MINUTE_MS = 60_000;

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

  it('comes after a minute for an app that gets no answer, so that the others are served', async () => {
    const fixture = createBroker();
    fixture.issuer.next.push(...Array.from({ length: 99 }, () => NOT_SENT));
    await fixture.start();
    await fixture.run(59_000);
    expect(fixture.broker.isReady).toBe(false);
    await fixture.run(1000);
    expect(fixture.broker.isReady).toBe(true);
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'pending',
      lastError: { class: 'unavailable', message: 'connection refused' },
    });
  });

  it('does not come for a classic app while the store is away, which other replicas may serve', async () => {
    const fixture = createBroker();
    fixture.issuer.rule = CLASSIC_RULE;
    fixture.cutStore(...ALL_COMMANDS);
    await fixture.start();
    await fixture.run(5 * MINUTE_MS);
    expect(fixture.broker.isReady).toBe(false);
  });

  it('does not wait for an app without an AppSecret, which is tried as soon as there is one', async () => {
    const fixture = createBroker({}, { appSecret: { fault: '/run/secrets/shop is empty' } });
    await fixture.start();
    await fixture.run(MINUTE_MS);
    expect(fixture.issuer.calls).toHaveLength(0);
    expect(fixture.broker.isReady).toBe(true);
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'pending',
      lastError: {
        class: 'secret',
        message: 'there is no AppSecret: /run/secrets/shop is empty',
        remedy: expect.stringContaining('apps[].appSecret') as string,
      },
    });
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({
      code: 'no_token_yet',
      message: expect.stringContaining('/run/secrets/shop is empty') as string,
      retryAfterSeconds: 30,
    });
    await expect(fixture.broker.report(APP, { caller: 'orders', force: true })).rejects.toMatchObject({
      code: 'upstream_unavailable',
    });
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(servedValue(fixture)).toBe('token-1');
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });

  it('stays, whatever becomes of the platform', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.next.push(...Array.from({ length: 500 }, () => NOT_SENT));
    await fixture.run(LIFE_MS + MINUTE_MS);
    expect(servedValue(fixture)).toBeUndefined();
    expect(fixture.broker.isReady).toBe(true);
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
    expect((await fixture.store.read(fixture.app)).record?.value).toBe('token-1');
    await fixture.run(LIFE_MS);
    expect(fixture.issuer.calls).toHaveLength(1);
    await expect(fixture.broker.current(APP)).rejects.toMatchObject({ code: 'stopping' });
    await fixture.broker.changeSecret(APP, 'second-secret');
    expect(fixture.issuer.calls).toHaveLength(1);
  });

  it('fetches nothing for a report either, which has to go elsewhere', async () => {
    const fixture = createBroker();
    await fixture.start();
    await fixture.broker.stop();
    for (const force of [true, false]) {
      await expect(fixture.broker.report(APP, { caller: 'orders', force })).rejects.toMatchObject({
        code: 'stopping',
        retryAfterSeconds: 1,
      });
    }
    await expect(
      fixture.broker.report(APP, { caller: 'orders', force: false, accessToken: 'token-1', isGuess: true }),
    ).resolves.toMatchObject({ reason: 'still_valid' });
    expect(fixture.issuer.calls).toHaveLength(1);
    expect(fixture.issuer.probed).toEqual([]);
  });

  it('sends nothing for a report whose right to fetch comes too late', async () => {
    const fixture = createBroker();
    await fixture.start();
    const begin = fixture.store.begin.bind(fixture.store);
    fixture.store.begin = async (...request) => {
      const begun = await begin(...request);
      void fixture.broker.stop();
      return begun;
    };
    await expect(fixture.broker.report(APP, { caller: 'orders', force: true })).rejects.toMatchObject({
      code: 'stopping',
    });
    expect(fixture.issuer.calls).toHaveLength(1);
    expect(await fixture.store.read(fixture.app)).toMatchObject({
      intent: null,
      count: { fetches: 1, forced: 0 },
    });
  });

  it('waits for no other replica', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    fixture.issuer.next.push(fixture.issuer.later().outcome);
    void fixture.broker.report(APP, { caller: 'orders', force: true }).catch(() => undefined);
    await settle();
    const waiting = sibling.report(APP, { caller: 'orders', force: true });
    await settle();
    await sibling.stop();
    await expect(waiting).rejects.toMatchObject({ code: 'stopping' });
    expect(fixture.issuer.calls).toHaveLength(2);
  });
});
