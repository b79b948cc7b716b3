import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError, type BrokerErrorCode } from '../../core/errors.js';
import type { ReportReason } from '../../core/reports/token-report.js';

const URL = '/token/refresh';

describe('POST /token/refresh', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [
        apiClient('orders'),
        apiClient('admin', { scopes: ['token:refresh', 'token:admin'] }),
        apiClient('mailer', { apps: ['blog'] }),
        apiClient('reader', { scopes: ['token:read', 'token:admin'] }),
      ],
    });
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.broker.reports.length = 0;
    edge.broker.reportAnswer = () => ({
      kind: 'answered',
      refreshed: true,
      reason: 'rotated',
      token: heldToken(8, 7_000_000),
    });
  });

  it.each<[boolean, ReportReason]>([
    [true, 'rotated'],
    [false, 'already_rotated'],
    [false, 'recently_rotated'],
    [false, 'still_valid'],
  ])('answers refreshed %s, reason %s, with the token to use', async (refreshed, reason) => {
    edge.broker.reportAnswer = () => ({
      kind: 'answered',
      refreshed,
      reason,
      token: heldToken(8, 7_000_000),
    });
    const response = await edge.send('POST', URL, 'orders', { app: 'shop', generation: 7 });
    expect(response.statusCode).toBe(200);
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.json()).toEqual({
      app: 'shop',
      access_token: '83_value-8',
      expires_in: 7000,
      expires_at: '2026-11-21T10:00:00.000Z',
      generation: 8,
      cache_max_age: 60,
      refreshed,
      reason,
    });
  });

  it('hands the whole report to the broker, with the name of the caller', async () => {
    const body = { app: 'shop', generation: 7, access_token: '83_value-7', errcode: 40001, force: true };
    await edge.send('POST', URL, 'admin', body);
    expect(edge.broker.reports).toEqual([
      {
        app: 'shop',
        report: { caller: 'admin', generation: 7, accessToken: '83_value-7', errcode: 40001, force: true },
      },
    ]);
  });

  it('takes a word as the errcode', async () => {
    await edge.send('POST', URL, 'orders', { app: 'shop', errcode: 'invalid_token' });
    expect(edge.broker.reports.at(-1)?.report).toMatchObject({ errcode: 'invalid_token' });
  });

  it.each([
    ['no body', {}],
    ['an empty body of JSON', { headers: { 'content-type': 'application/json' }, payload: '' }],
    ['an empty object', { payload: {} }],
    ['nulls', { payload: { app: null, generation: null, access_token: null, errcode: null, force: null } }],
  ])(
    'takes %s for a report that names nothing',
    async (_, sent: { headers?: object; payload?: object | string }) => {
      const headers = { ...sent.headers, authorization: `Bearer ${keyOf('mailer')}` };
      const response = await edge.app.inject({ ...sent, method: 'POST', url: URL, headers });
      expect(response.statusCode).toBe(200);
      expect(edge.broker.reports).toEqual([{ app: 'blog', report: { caller: 'mailer', force: false } }]);
    },
  );

  it.each([
    [{ app: 1 }, 'app'],
    [{ app: 'shop', generation: '7' }, 'generation'],
    [{ app: 'shop', generation: -1 }, 'generation'],
    [{ app: 'shop', generation: 1.5 }, 'generation'],
    [{ app: 'shop', generation: 2 ** 53 }, 'generation'],
    [{ app: 'shop', access_token: '' }, 'access_token'],
    [{ app: 'shop', access_token: 'x'.repeat(5001) }, 'access_token'],
    [{ app: 'shop', errcode: '40001' }, 'errcode'],
    [{ app: 'shop', errcode: 1e300 }, 'errcode'],
    [{ app: 'shop', errcode: 'x'.repeat(65) }, 'errcode'],
    [{ app: 'shop', errcode: 'two words' }, 'errcode'],
    [{ app: 'shop', force: 'yes' }, 'force'],
    [{ app: 'shop', token: 'x' }, '"token"'],
    [[], 'JSON object'],
    [null, 'JSON object'],
    [[{ app: 'shop' }], 'JSON object'],
    ['text', 'JSON object'],
    [5, 'JSON object'],
  ])('answers 400 to %j and says what is wrong', async (body, named) => {
    const response = await edge.app.inject({
      method: 'POST',
      url: URL,
      headers: { authorization: `Bearer ${keyOf('orders')}`, 'content-type': 'application/json' },
      payload: JSON.stringify(body),
    });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining(named),
    });
    expect(edge.broker.reports).toEqual([]);
  });

  it.each([
    ['application/json', '{', 400],
    ['text/plain', 'errcode=40001', 415],
  ])('looks at the key before a body of %s that it cannot use', async (type, payload, status) => {
    const post = (headers: Record<string, string>) =>
      edge.app.inject({ method: 'POST', url: URL, headers: { 'content-type': type, ...headers }, payload });
    expect((await post({})).statusCode).toBe(401);
    expect((await post({ authorization: `Bearer ${keyOf('orders')}` })).statusCode).toBe(status);
  });

  it.each([
    ['nested too deep', `{"app":${'['.repeat(7000)}${']'.repeat(7000)}}`, 'more than 20 deep'],
    ['nested a little', '{"app":[["shop"]]}', 'app must be a string'],
    ['a key twice', '{"app":"shop","app":"blog"}', 'same key twice'],
    ...Object.getOwnPropertyNames(Object.prototype).map((name) => [
      name,
      `{"app":"shop","${name}":{"app":"blog"}}`,
      `a field "${name}" that this route does not know`,
    ]),
    ['hasOwn', '{"app":"shop","constructor":{"prototype":{}}}', 'a field "constructor"'],
  ])('refuses a body with %s as a fault of its caller', async (_, payload, detail) => {
    const headers = { authorization: `Bearer ${keyOf('orders')}`, 'content-type': 'application/json' };
    const response = await edge.app.inject({ method: 'POST', url: URL, headers, payload });
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'invalid_request',
      detail: expect.stringContaining(detail),
    });
    expect(edge.broker.reports).toEqual([]);
    expect(edge.logger.errors).toEqual([]);
  });

  it('names all faulty fields at once, and repeats nothing that may be a token', async () => {
    const response = await edge.send('POST', URL, 'orders', { app: 1, errcode: '83_to-ken', '83_to-ken': 1 });
    const { detail } = response.json<{ detail: string }>();
    expect(detail).toContain('app must be a string');
    expect(detail).toContain('errcode must be an integer number');
    expect(detail).not.toContain('83_to-ken');
  });

  it('takes force only from a key with token:admin', async () => {
    edge.observer.denials.length = 0;
    const response = await edge.send('POST', URL, 'orders', { app: 'shop', force: true });
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({
      code: 'forbidden',
      detail: expect.stringContaining('token:admin'),
    });
    expect(edge.broker.reports).toEqual([]);
    expect(edge.observer.denials).toEqual([`missing_scope ${URL}`]);
  });

  it('answers 429 when the budget is used up, with the token that still lives', async () => {
    edge.broker.reportAnswer = () => ({
      kind: 'budget_exhausted',
      detail: 'All 20 forced refreshes of today are used up.',
      retryAfterSeconds: 3600,
      token: heldToken(7, 7_000_000),
    });
    const response = await edge.send('POST', URL, 'orders', { app: 'shop' });
    expect(response.statusCode).toBe(429);
    expect(response.headers).toMatchObject({
      'content-type': 'application/problem+json',
      'retry-after': '3600',
      'cache-control': 'no-store',
    });
    expect(response.json()).toEqual({
      type: 'about:blank',
      title: 'Too Many Requests',
      status: 429,
      code: 'refresh_budget_exhausted',
      detail: 'All 20 forced refreshes of today are used up.',
      retry_after: 3600,
      app: 'shop',
      access_token: '83_value-7',
      expires_in: 7000,
      expires_at: '2026-11-21T10:00:00.000Z',
      generation: 7,
      cache_max_age: 60,
    });
  });

  it('answers 429 without a token when none lives', async () => {
    edge.broker.reportAnswer = () => ({
      kind: 'budget_exhausted',
      detail: 'Used up.',
      retryAfterSeconds: 3600,
      token: null,
    });
    const response = await edge.send('POST', URL, 'orders', { app: 'shop' });
    expect(response.statusCode).toBe(429);
    expect(response.json()).not.toHaveProperty('access_token');
  });

  it.each<[BrokerErrorCode, number, string | undefined]>([
    ['upstream_unavailable', 503, '5'],
    ['upstream_rejected', 503, '5'],
    ['no_token_yet', 503, '5'],
    ['not_a_token_error', 422, undefined],
  ])('answers %s with %i', async (code, status, retryAfter) => {
    edge.broker.reportAnswer = () => {
      throw new BrokerError(code, 'What to do.', { errcode: 48001 });
    };
    const response = await edge.send('POST', URL, 'orders', { app: 'shop' });
    expect(response.statusCode).toBe(status);
    expect(response.json()).toMatchObject({ code, detail: 'What to do.', errcode: 48001 });
    expect(response.headers['retry-after']).toBe(retryAfter);
  });

  it('shares the rules of GET /token for keys, scopes and apps', async () => {
    const answers = await Promise.all([
      edge.send('POST', URL, undefined, { app: 'shop' }),
      edge.send('POST', URL, 'nobody', { app: 'shop' }),
      edge.send('POST', URL, 'reader', { app: 'shop' }),
      edge.send('POST', URL, 'mailer', { app: 'shop' }),
      edge.send('POST', URL, 'mailer', { app: 'nowhere' }),
      edge.send('POST', URL, 'orders', {}),
    ]);
    expect(answers.map((answer) => [answer.statusCode, answer.json<{ code: string }>().code])).toEqual([
      [401, 'unauthorized'],
      [401, 'unauthorized'],
      [403, 'forbidden'],
      [404, 'unknown_app'],
      [404, 'unknown_app'],
      [400, 'app_required'],
    ]);
    expect(answers[0].headers['www-authenticate']).toBe('Bearer');
    expect(answers[3].body).toBe(answers[4].body);
    expect(edge.broker.reports).toEqual([]);
  });
});
