import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError, type BrokerErrorCode } from '../../core/errors.js';

describe('GET /token', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [
        apiClient('orders'),
        apiClient('mailer', { apps: ['blog'] }),
        apiClient('reporter', { scopes: ['token:refresh'] }),
      ],
    });
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.clock.nowMs = 0;
    edge.broker.tokens.clear();
    edge.broker.waits.length = 0;
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
  });

  it('serves the token in memory', async () => {
    const response = await edge.send('GET', '/token?app=shop', 'orders');

    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({
      app: 'shop',
      access_token: '83_value-7',
      expires_in: 7000,
      expires_at: '2026-11-21T10:00:00.000Z',
      generation: 7,
      cache_max_age: 60,
    });
    expect(response.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(response.rawPayload.length),
    });
    expect(edge.broker.waits).toEqual([]);
  });

  it('names the type of a token that is not presented as Bearer', async () => {
    const held = heldToken(7, 7_000_500);
    edge.broker.tokens.set('shop', { ...held, record: { ...held.record, tokenType: 'DPoP' } });
    const response = await edge.send('GET', '/token?app=shop', 'orders');
    expect(response.json()).toMatchObject({ access_token: '83_value-7', token_type: 'DPoP' });
  });

  it.each([
    [0, 7000, 60],
    [500, 7000, 60],
    [501, 6999, 60],
    [6_941_000, 59, 59],
    [7_000_000, 0, 0],
  ])(
    'counts down: at %i ms there are %i s left, to be kept for %i s',
    async (nowMs, expiresIn, cacheMaxAge) => {
      edge.clock.nowMs = nowMs;
      const response = await edge.send('GET', '/token?app=shop', 'orders');
      expect(response.json()).toMatchObject({ expires_in: expiresIn, cache_max_age: cacheMaxAge });
    },
  );

  it('serves a new token at once, even with the same life and in the same second', async () => {
    await edge.send('GET', '/token?app=shop', 'orders');
    edge.broker.tokens.set('shop', heldToken(8, 7_000_500));
    const response = await edge.send('GET', '/token?app=shop', 'orders');
    expect(response.json()).toMatchObject({ access_token: '83_value-8', generation: 8 });
  });

  it('keeps apps apart', async () => {
    edge.broker.tokens.set('blog', heldToken(9, 5_000_000));
    const answers = await Promise.all(
      ['shop', 'blog', 'shop'].map((app) => edge.send('GET', `/token?app=${app}`, 'orders')),
    );
    expect(answers.map((answer) => answer.json<{ generation: number }>().generation)).toEqual([7, 9, 7]);
  });

  it('waits for the broker when there is no token in memory', async () => {
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () => heldToken(8, 7_000_000);
    const response = await edge.send('GET', '/token?app=shop', 'orders');
    expect(response.json()).toMatchObject({ generation: 8 });
    expect(response.headers['cache-control']).toBe('no-store');
    expect(edge.broker.waits).toEqual([{ app: 'shop', minGeneration: 0 }]);
  });

  it('serves from memory a caller that has seen what is in memory', async () => {
    const response = await edge.send('GET', '/token?app=shop&min_generation=7', 'orders');
    expect(response.json()).toMatchObject({ generation: 7 });
    expect(edge.broker.waits).toEqual([]);
  });

  it('catches up for a caller that has seen more', async () => {
    edge.broker.currentAnswer = () => heldToken(8, 7_000_000);
    const response = await edge.send('GET', '/token?app=shop&min_generation=8', 'orders');
    expect(response.json()).toMatchObject({ generation: 8 });
    expect(edge.broker.waits).toEqual([{ app: 'shop', minGeneration: 8 }]);
  });

  it.each<BrokerErrorCode>(['no_token_yet', 'token_expired', 'behind'])('answers 503 %s', async (code) => {
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () => {
      throw new BrokerError(code, 'Add this machine to the whitelist.', {
        errcode: 40164,
        retryAfterSeconds: 30,
      });
    };
    const response = await edge.send('GET', '/token?app=shop', 'orders');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toEqual({
      type: 'about:blank',
      title: 'Service Unavailable',
      status: 503,
      code,
      detail: 'Add this machine to the whitelist.',
      errcode: 40164,
      retry_after: 30,
    });
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'retry-after': '30',
    });
  });

  it.each([
    ['app=shop&app=blog', 'app'],
    ['app=shop&min_generation=1&min_generation=2', 'min_generation'],
    ['app=shop&min_generation=', 'min_generation'],
    ['app=shop&min_generation=-1', 'min_generation'],
    ['app=shop&min_generation=1.5', 'min_generation'],
    ['app=shop&min_generation=0x10', 'min_generation'],
    ['app=shop&min_generation=9007199254740992', 'min_generation'],
  ])('names the faulty parameter of ?%s', async (query, field) => {
    const response = await edge.send('GET', `/token?${query}`, 'orders');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining(`"${field}"`),
    });
  });

  it('takes the largest generation that there is', async () => {
    edge.broker.currentAnswer = () => heldToken(Number.MAX_SAFE_INTEGER, 7_000_000);
    const response = await edge.send('GET', '/token?app=shop&min_generation=9007199254740991', 'orders');
    expect(response.json()).toMatchObject({ generation: Number.MAX_SAFE_INTEGER });
  });

  it('ignores parameters that it does not know', async () => {
    expect((await edge.send('GET', '/token?app=shop&x=1&x=2', 'orders')).statusCode).toBe(200);
  });

  it('gives the only app that a caller sees when it names none', async () => {
    edge.broker.tokens.set('blog', heldToken(9, 5_000_000));
    expect((await edge.send('GET', '/token', 'mailer')).json()).toMatchObject({ app: 'blog' });
  });

  it('asks which app, and lists those that the caller may name', async () => {
    const response = await edge.send('GET', '/token', 'orders');
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'app_required',
      detail: expect.stringContaining('shop, blog'),
    });
  });

  it('does not tell an app that does not exist from one that the caller may not see', async () => {
    const invisible = await edge.send('GET', '/token?app=shop', 'mailer');
    const absent = await edge.send('GET', '/token?app=nowhere', 'mailer');
    expect(invisible.statusCode).toBe(404);
    expect(invisible.json()).toMatchObject({ code: 'unknown_app' });
    expect(absent.body).toBe(invisible.body);
  });

  it.each([
    ['no key', undefined, 'missing_key'],
    ['an unknown key', 'Bearer nobody', 'unknown_key'],
    ['another scheme', `Basic ${keyOf('orders')}`, 'missing_key'],
  ])('answers 401 to %s', async (_, authorization, reason) => {
    edge.observer.denials.length = 0;
    const headers = authorization === undefined ? {} : { authorization };
    const response = await edge.app.inject({ url: '/token?app=shop', headers });
    expect(response.statusCode).toBe(401);
    expect(response.headers).toMatchObject({ 'www-authenticate': 'Bearer', 'cache-control': 'no-store' });
    expect(response.json()).toMatchObject({ code: 'unauthorized' });
    expect(edge.observer.denials).toEqual([`${reason} /token`]);
  });

  it('answers 403 to a key without the scope, and names the scope', async () => {
    edge.observer.denials.length = 0;
    const response = await edge.send('GET', '/token?app=shop', 'reporter');
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({
      code: 'forbidden',
      detail: expect.stringContaining('token:read'),
    });
    expect(edge.observer.denials).toEqual(['missing_scope /token']);
  });

  it('counts every request once, whatever came of it', async () => {
    edge.observer.requests.length = 0;
    await edge.send('GET', '/token?app=shop', 'orders');
    await edge.send('GET', '/token?app=nowhere', 'orders');
    await edge.send('GET', '/token?app=shop');
    await edge.send('HEAD', '/token?app=shop', 'orders');
    expect(edge.observer.requests).toEqual([
      'GET /token 200',
      'GET /token 404',
      'GET /token 401',
      'HEAD /token 200',
    ]);
    expect(edge.observer.durationsMs.every((ms) => ms >= 0 && ms < 1000)).toBe(true);
  });
});

describe('GET /token and the app named default', () => {
  it('gives it to a caller of several apps, unless that caller may not see it', async () => {
    const edge = await createEdge({
      apps: ['shop', 'blog', 'default'],
      clients: [apiClient('orders'), apiClient('mailer', { apps: ['shop', 'blog'] })],
    });
    edge.broker.tokens.set('default', heldToken(3, 60_000));
    const all = await edge.send('GET', '/token', 'orders');
    const some = await edge.send('GET', '/token', 'mailer');
    await edge.app.close();

    expect(all.json()).toMatchObject({ app: 'default', generation: 3 });
    expect(some.json()).toMatchObject({ code: 'app_required' });
    expect(some.json<{ detail: string }>().detail).not.toContain('default');
  });
});

describe('GET /token while the broker stops', () => {
  it('still serves, and asks the caller to reconnect elsewhere', async () => {
    const edge = await createEdge();
    edge.broker.tokens.set('shop', heldToken(3, 60_000));
    const before = await edge.send('GET', '/token?app=shop', 'orders');
    edge.readiness.stopping();
    const after = await edge.send('GET', '/token?app=shop', 'orders');
    const error = await edge.send('GET', '/token?app=nowhere', 'orders');
    await edge.app.close();

    expect(before.headers.connection).not.toBe('close');
    expect([after.statusCode, after.headers.connection, after.body]).toEqual([200, 'close', before.body]);
    expect([error.statusCode, error.headers.connection]).toEqual([404, 'close']);
  });
});
