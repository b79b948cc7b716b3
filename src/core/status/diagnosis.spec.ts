import { APP, createBroker, LIFE_MS, REFRESH } from '../../../test/support/create-broker.js';

describe('an AppSecret that cannot be read any more', () => {
  it('is told with its reason while the one that was read before works on', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.broker.secretCouldNotBeRead(APP, 'cannot read /run/secrets/shop: ENOENT');
    await fixture.run(LIFE_MS - REFRESH.aheadMs + 1000);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.broker.status(APP)).toMatchObject({
      state: 'degraded',
      lastError: {
        class: 'secret',
        errcode: null,
        message:
          'the AppSecret cannot be read any more (cannot read /run/secrets/shop: ENOENT); the one that was read before is used',
        remedy: expect.stringContaining('but not after a restart') as string,
      },
    });
  });

  it.each([
    ['it can be read again', null],
    ['there is a new one', 'another'],
  ])('is forgotten when %s', async (_, appSecret) => {
    const fixture = createBroker();
    await fixture.start();
    fixture.broker.secretCouldNotBeRead(APP, 'is empty');
    if (appSecret === null) fixture.broker.secretCouldNotBeRead(APP, null);
    else await fixture.broker.changeSecret(APP, appSecret);
    expect(fixture.broker.status(APP)).toMatchObject({ state: 'ok', lastError: null });
  });
});

describe('a new AppSecret that is refused while the token lives', () => {
  it('is no reason to fetch before the next refresh, and the log does not say so', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.next.push(fixture.issuer.refuse(40125));
    await fixture.broker.changeSecret(APP, 'another');
    await fixture.run(5000);
    expect(fixture.issuer.calls).toHaveLength(2);
    expect(fixture.emitted.filter(({ kind }) => kind === 'fetch_ended').at(-1)).toMatchObject({
      reason: 'secret_change',
      errcode: 40125,
      retryInMs: null,
    });
    const { nextRefreshAtMs, nowMs } = fixture.broker.status(APP);
    expect((nextRefreshAtMs ?? 0) - nowMs).toBeGreaterThan(LIFE_MS / 2);
  });
});

describe('a refusal that a person has to mend', () => {
  it('says in GET /apps how to have it tried at once', async () => {
    const fixture = createBroker();
    fixture.issuer.next.push(fixture.issuer.refuse(40164));
    await fixture.start();
    expect(fixture.broker.status(APP).lastError?.remedy).toBe(
      'What to do about 40164. Once that is mended, POST /token/refresh with "force": true asks at once.',
    );
  });

  it('says nothing of force for what passes by itself', async () => {
    const fixture = createBroker();
    fixture.issuer.next.push(fixture.issuer.refuse(-1));
    await fixture.start();
    expect(fixture.broker.status(APP).lastError?.remedy).toBe('What to do about -1.');
  });
});
