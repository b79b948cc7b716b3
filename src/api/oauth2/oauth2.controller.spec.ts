import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';

const PATH = '/oauth2/token';
const FORM = 'application/x-www-form-urlencoded';
/** What may stand in an error_description (RFC 6749, section 5.2). */
const ALLOWED = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;

describe('POST /oauth2/token', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [
        apiClient('orders'),
        apiClient('mailer', { apps: ['blog'] }),
        apiClient('forgetful', { maxExpiresInSeconds: 300 }),
        apiClient('reporter', { scopes: ['token:refresh'] }),
        apiClient('a:b+c %/é'),
      ],
    });
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.broker.tokens.clear();
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
    edge.audit.entries.length = 0;
    edge.observer.denials.length = 0;
    edge.observer.requests.length = 0;
  });

  const grant = { grant_type: 'client_credentials' };
  const credentials = { client_id: 'shop', client_secret: keyOf('orders') };
  const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;

  function post(fields: Record<string, string> | string, headers: Record<string, string> = {}) {
    const payload = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString();
    return edge.app.inject({
      method: 'POST',
      url: PATH,
      payload,
      headers: { 'content-type': FORM, ...headers },
    });
  }

  it.each([
    ['in the body', () => post({ ...grant, ...credentials })],
    ['with Basic', () => post(grant, { authorization: basic('shop', keyOf('orders')) })],
    [
      'with Basic, and the same client_id in the body',
      () => post({ ...grant, client_id: 'shop' }, { authorization: basic('shop', keyOf('orders')) }),
    ],
    [
      'with Basic, and an empty client_secret in the body, which counts as left out',
      () => post({ ...grant, client_secret: '' }, { authorization: basic('shop', keyOf('orders')) }),
    ],
    ['with the scope that there is', () => post({ ...grant, ...credentials, scope: 'token:read' })],
    ['with an empty scope', () => post({ ...grant, ...credentials, scope: '' })],
    [
      'with parameters that it does not know',
      () => post({ ...grant, ...credentials, audience: 'x', resource: 'y' }),
    ],
    ['with a charset', () => post({ ...grant, ...credentials }, { 'content-type': `${FORM};charset=UTF-8` })],
  ])('gives the token to a client that authenticates %s', async (_, send) => {
    const answer = await send();
    expect(answer.statusCode).toBe(200);
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      pragma: 'no-cache',
    });
    expect(answer.json()).toEqual({ access_token: '83_value-7', token_type: 'Bearer', expires_in: 3500 });
    expect(edge.observer.requests).toEqual([`POST ${PATH} 200`]);
  });

  it('takes an id and a secret that are form-urlencoded in the header', async () => {
    const encoded = new URLSearchParams([['', keyOf('a:b+c %/é')]]).toString().slice(1);
    const answer = await post(grant, { authorization: basic('sh%6Fp', encoded) });
    expect(answer.statusCode).toBe(200);
  });

  it('promises no longer than a client may be promised, and never 0', async () => {
    const bounded = await post({ ...grant, client_id: 'shop', client_secret: keyOf('forgetful') });
    edge.broker.tokens.set('shop', heldToken(8, 500));
    const last = await post({ ...grant, ...credentials });
    expect([bounded.json(), last.json()]).toMatchObject([{ expires_in: 300 }, { expires_in: 1 }]);
  });

  it('waits for a token that is not there yet', async () => {
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () => heldToken(9, 7_000_500);
    expect((await post({ ...grant, ...credentials })).json()).toMatchObject({ access_token: '83_value-9' });
  });

  it('records who read which token', async () => {
    await post({ ...grant, ...credentials });
    expect(edge.audit.entries).toMatchObject([
      { action: 'token.read', client: 'orders', app: 'shop', status: 200, token: { generation: 7 } },
    ]);
  });

  it.each([
    ['no credentials', grant, {}, 401, 'invalid_client'],
    ['no secret', { ...grant, client_id: 'shop' }, {}, 401, 'invalid_client'],
    ['no id', { ...grant, client_secret: keyOf('orders') }, {}, 401, 'invalid_client'],
    ['an unknown key', { ...grant, ...credentials, client_secret: 'nobody' }, {}, 401, 'invalid_client'],
    ['an app that is none', { ...grant, ...credentials, client_id: 'nope' }, {}, 401, 'invalid_client'],
    [
      'an app of others',
      { ...grant, client_id: 'shop', client_secret: keyOf('mailer') },
      {},
      401,
      'invalid_client',
    ],
    ['another scheme', grant, { authorization: `Bearer ${keyOf('orders')}` }, 401, 'invalid_client'],
    ['no base64', grant, { authorization: 'Basic a:b' }, 401, 'invalid_client'],
    [
      'no colon',
      grant,
      { authorization: `Basic ${Buffer.from('shop').toString('base64')}` },
      401,
      'invalid_client',
    ],
    ['a broken escape', grant, { authorization: basic('shop', '%zz') }, 401, 'invalid_client'],
    [
      'two ways to authenticate',
      { ...grant, ...credentials },
      { authorization: basic('shop', keyOf('orders')) },
      400,
      'invalid_request',
    ],
    [
      'two ids',
      { ...grant, client_id: 'blog' },
      { authorization: basic('shop', keyOf('orders')) },
      400,
      'invalid_request',
    ],
    ['no grant', credentials, {}, 400, 'invalid_request'],
    ['a parameter twice', 'grant_type=a&grant_type=b', {}, 400, 'invalid_request'],
    ['another grant', { ...credentials, grant_type: 'password' }, {}, 400, 'unsupported_grant_type'],
    ['another scope', { ...grant, ...credentials, scope: 'token:read openid' }, {}, 400, 'invalid_scope'],
    [
      'a key without the scope',
      { ...grant, client_id: 'shop', client_secret: keyOf('reporter') },
      {},
      400,
      'unauthorized_client',
    ],
    [
      'JSON',
      JSON.stringify({ ...grant, ...credentials }),
      { 'content-type': 'application/json' },
      400,
      'invalid_request',
    ],
    ['plain text', 'grant_type=client_credentials', { 'content-type': 'text/plain' }, 400, 'invalid_request'],
    ['too large a body', `x=${'x'.repeat(16_400)}`, {}, 413, 'invalid_request'],
  ])('refuses %s as RFC 6749 has it', async (_, fields, headers, status, error) => {
    const answer = await post(fields, headers);
    const body = answer.json<{ error_description: string }>();
    expect([answer.statusCode, body]).toMatchObject([status, { error }]);
    expect(body.error_description).toMatch(ALLOWED);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['www-authenticate']).toBe(
      status === 401 ? 'Basic realm="access-token-broker", charset="UTF-8"' : undefined,
    );
    expect(answer.payload).not.toContain('83_');
  });

  it('tells an app of others from none to nobody but the audit trail', async () => {
    const secret = keyOf('mailer');
    const answers = [
      await post({ ...grant, client_id: 'shop', client_secret: secret }),
      await post({ ...grant, client_id: 'nope', client_secret: secret }),
    ];
    expect(answers[0]?.payload).toBe(answers[1]?.payload);
    const refused = {
      action: 'access.refused',
      client: 'mailer',
      status: 401,
      reason: 'unknown_app',
      route: PATH,
    };
    expect(edge.audit.entries).toMatchObject([
      { ...refused, app: 'shop' },
      { ...refused, app: null },
    ]);
  });

  it('counts and records who is turned away', async () => {
    await post(grant);
    await post({ ...grant, client_id: 'shop', client_secret: 'nobody' });
    await post({ ...grant, client_id: 'shop', client_secret: keyOf('reporter') });
    expect(edge.observer.denials).toEqual([
      `missing_key ${PATH}`,
      `unknown_key ${PATH}`,
      `missing_scope ${PATH}`,
    ]);
    expect(edge.audit.entries.map(({ status, reason }) => [status, reason])).toEqual([
      [401, 'missing_key'],
      [401, 'unknown_key'],
      [400, 'missing_scope'],
    ]);
  });

  it('answers 503 with Retry-After, and what a person does about it, while there is no token', async () => {
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () => {
      throw new BrokerError('no_token_yet', 'WeChat says "系统".', { errcode: 40164, retryAfterSeconds: 30 });
    };
    const answer = await post({ ...grant, ...credentials });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([503, '30']);
    expect(answer.json()).toEqual({
      error: 'temporarily_unavailable',
      error_description: "WeChat says '??'.",
      code: 'no_token_yet',
      errcode: 40164,
      retry_after: 30,
    });
  });

  it('answers 500 to what nobody expected, and says nothing of it but in the log', async () => {
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () => {
      throw new Error('83_secret');
    };
    const answer = await post({ ...grant, ...credentials });
    expect([answer.statusCode, answer.json()]).toMatchObject([
      500,
      { error: 'server_error', code: 'internal_error' },
    ]);
    expect(answer.payload).not.toContain('83_secret');
    expect(edge.logger.errors).toHaveLength(1);
    edge.logger.errors.length = 0;
  });
});
