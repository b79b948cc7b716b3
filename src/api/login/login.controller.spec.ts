import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { OPENID, SESSION } from '../../../test/support/fake-logins.js';
import { LoginError, type LoginErrorCode } from '../../core/login/login-error.js';

const ALL = ['login', 'login:tokens', 'login:session-key'] as const;
const REDIRECT_URI = 'https://shop.example/back';

/** Every route for backend services, with a body that it takes, and the method of the service behind it. */
const ROUTES = [
  ['authorize-url', { app: 'shop', redirect_uri: REDIRECT_URI }, 'authorizeUrl'],
  ['exchange', { app: 'shop', code: 'c', state: 's', binding: 'b' }, 'exchange'],
  ['redeem', { ticket: 'tbt_1', binding: 'b' }, 'redeem'],
  ['phone', { app: 'shop', code: 'c' }, 'phone'],
  ['userinfo', { session: SESSION }, 'profile'],
  ['tokens', { session: SESSION }, 'tokens'],
  ['session/check', { session: SESSION }, 'checkSession'],
  ['session/decrypt', { session: SESSION, encrypted_data: 'ZA==', iv: 'aQ==' }, 'decrypt'],
  ['session/key', { session: SESSION }, 'sessionKey'],
  ['logout', { session: SESSION }, 'logout'],
] as const;

describe('the native routes of logins', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      clients: [
        apiClient('web', { scopes: ALL }),
        apiClient('plain', { scopes: ['login'] }),
        apiClient('orders'),
        apiClient('blogger', { apps: ['blog'], scopes: ALL }),
      ],
    });
  });
  afterAll(() => edge.app.close());
  beforeEach(() => {
    edge.logins.asked.length = 0;
    edge.audit.entries.length = 0;
  });

  const post = (path: string, body: object, client = 'web', headers: Record<string, string> = {}) =>
    edge.app.inject({
      method: 'POST',
      url: `/login/${path}`,
      payload: body,
      headers: { authorization: `Bearer ${keyOf(client)}`, ...headers },
    });

  describe('answer in the words of the contract', () => {
    it.each([
      [
        'authorize-url',
        { app: 'shop', redirect_uri: REDIRECT_URI, scope: 'snsapi_userinfo', force_popup: true },
        {
          url: expect.stringMatching(/#wechat_redirect$/) as string,
          state: 'S'.repeat(43),
          binding: 'B'.repeat(43),
          expires_in: 600,
          fields: expect.objectContaining({ appid: 'wx1' }) as object,
        },
        { app: 'shop', client: 'web', redirectUri: REDIRECT_URI, scope: 'snsapi_userinfo', forcePopup: true },
      ],
      [
        'exchange',
        { app: 'shop', code: 'c', state: 's', binding: 'b' },
        { openid: OPENID, scope: ['snsapi_base'], snapshot: false, session: SESSION, expires_in: 2_592_000 },
        { app: 'shop', client: 'web', code: 'c', state: 's', proof: { binding: 'b' } },
      ],
      [
        'exchange',
        { app: 'shop', code: 'c', state: 's', code_verifier: 'v'.repeat(43) },
        expect.objectContaining({ openid: OPENID }) as object,
        { app: 'shop', client: 'web', code: 'c', state: 's', proof: { codeVerifier: 'v'.repeat(43) } },
      ],
      [
        'exchange',
        { app: 'shop', js_code: 'j' },
        expect.objectContaining({ openid: OPENID }) as object,
        { app: 'shop', client: 'web', code: 'j' },
      ],
      [
        'redeem',
        { ticket: 'tbt_1', binding: 'b' },
        expect.objectContaining({ openid: OPENID }) as object,
        { client: 'web', ticket: 'tbt_1', binding: 'b' },
      ],
      [
        'phone',
        { app: 'shop', code: 'p', openid: OPENID },
        { phone_info: { phoneNumber: '13580006666' } },
        { app: 'shop', code: 'p', openid: OPENID },
      ],
      [
        'userinfo',
        { session: SESSION, lang: 'zh_CN' },
        { profile: { openid: OPENID, nickname: '小明' } },
        { client: 'web', session: SESSION, lang: 'zh_CN' },
      ],
      [
        'tokens',
        { session: SESSION },
        {
          access_token: 'canary-of-the-user-token',
          refresh_token: 'canary-of-the-refresh-token',
          expires_in: 7200,
          openid: OPENID,
          scope: ['snsapi_userinfo'],
        },
        { client: 'web', session: SESSION },
      ],
      ['session/check', { session: SESSION }, { valid: true }, { client: 'web', session: SESSION }],
      [
        'session/decrypt',
        { session: SESSION, encrypted_data: 'ZA==', iv: 'aQ==' },
        { data: { openId: OPENID } },
        { client: 'web', session: SESSION, encryptedData: 'ZA==', iv: 'aQ==' },
      ],
      [
        'session/key',
        { session: SESSION },
        { session_key: 'canary-of-the-session-key' },
        { client: 'web', session: SESSION },
      ],
    ])('%s %j', async (path, body, answer, asked) => {
      const { statusCode, headers, json } = await post(path, body);
      expect([statusCode, json()]).toEqual([200, answer]);
      expect(headers['cache-control']).toBe('no-store');
      expect(edge.logins.asked.map(({ request }) => JSON.parse(JSON.stringify(request)) as object)).toEqual([
        asked,
      ]);
    });

    it('logout with nothing', async () => {
      const { statusCode, payload } = await post('logout', { session: SESSION });
      expect([statusCode, payload]).toEqual([204, '']);
      expect(edge.logins.asked).toEqual([{ method: 'logout', request: { client: 'web', session: SESSION } }]);
    });

    it('a snapshot with snapshot: true and no session', async () => {
      const usual = edge.logins.answers.exchange;
      edge.logins.answers.exchange = () => ({
        ...usual(),
        snapshot: true,
        session: null,
        expiresInSeconds: 0,
      });
      const { json } = await post('exchange', { app: 'shop', code: 'c', state: 's', binding: 'b' });
      edge.logins.answers.exchange = usual;
      expect(json()).toMatchObject({ snapshot: true, session: null });
      expect(edge.audit.entries).toMatchObject([{ action: 'login.exchange', reason: 'snapshot' }]);
    });

    it('a unionid where there is one', async () => {
      const usual = edge.logins.answers.exchange;
      edge.logins.answers.exchange = () => ({ ...usual(), unionid: 'u1' });
      const { json } = await post('exchange', { app: 'shop', code: 'c', state: 's', binding: 'b' });
      edge.logins.answers.exchange = usual;
      expect(json()).toMatchObject({ unionid: 'u1' });
    });
  });

  it.each(ROUTES)('%s refuses what comes from a page, and asks nothing', async (path, body) => {
    for (const client of ['web', 'nobody']) {
      const { statusCode, headers, json } = await post(path, body, client, {
        origin: 'https://shop.example',
      });
      expect([statusCode, json()]).toMatchObject([403, { code: 'browser_refused' }]);
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
    expect(edge.logins.asked).toEqual([]);
    expect(edge.audit.entries).toMatchObject([
      { action: 'access.refused', reason: 'browser', status: 403, route: `/login/${path}` },
      { action: 'access.refused', reason: 'browser', status: 403, route: `/login/${path}` },
    ]);
  });

  it.each(ROUTES)('%s wants a key with its scope', async (path, body) => {
    const needed =
      path === 'tokens' ? 'login:tokens' : path === 'session/key' ? 'login:session-key' : 'login';
    const answers = [
      await post(path, body, 'nobody'),
      await post(path, body, 'orders'),
      await post(path, body, 'plain'),
    ];
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([
      401,
      403,
      needed === 'login' ? (path === 'logout' ? 204 : 200) : 403,
    ]);
    expect(answers[1]?.json()).toMatchObject({
      detail: `This needs the scope ${needed}, which client orders lacks.`,
    });
  });

  it('an app of others is unknown, like one that there is not', async () => {
    const body = { app: 'shop', redirect_uri: REDIRECT_URI };
    const answers = [
      await post('authorize-url', body, 'blogger'),
      await post('authorize-url', { ...body, app: 'nope' }),
    ];
    expect(answers.map(({ statusCode, json }) => [statusCode, json<{ code: string }>().code])).toEqual([
      [404, 'unknown_app'],
      [404, 'unknown_app'],
    ]);
  });

  it.each([
    ['authorize-url', { app: 'shop' }, 'lacks the field "redirect_uri"'],
    ['authorize-url', { app: 'shop', redirect_uri: REDIRECT_URI, code_challenge: 'short' }, 'code_challenge'],
    ['exchange', { app: 'shop', code: 'c', binding: 'b' }, 'state'],
    ['exchange', { app: 'shop', code: 'c', state: 's' }, 'either binding'],
    [
      'exchange',
      { app: 'shop', code: 'c', state: 's', binding: 'b', code_verifier: 'v'.repeat(43) },
      'either binding',
    ],
    ['exchange', { app: 'shop', js_code: 'j', state: 's' }, 'js_code'],
    ['exchange', { app: 'shop', code: 'c'.repeat(513), state: 's', binding: 'b' }, 'code must be'],
    ['exchange', { app: 'shop', code: 7, state: 's', binding: 'b' }, 'code must be a string'],
    ['redeem', { ticket: 'tbt_1' }, 'binding'],
    ['userinfo', {}, 'lacks the field "session"'],
    ['session/decrypt', { session: SESSION }, 'encrypted_data'],
    ['phone', { app: 'shop', code: 'c', secret: 'x' }, '"secret" that this route does not know'],
  ])('%s refuses the body %j, and asks nothing', async (path, body, why) => {
    const { statusCode, json } = await post(path, body);
    const { code, detail } = json<{ code: string; detail: string }>();
    expect([statusCode, code]).toEqual([400, 'invalid_request']);
    expect(detail).toContain(why);
    expect(edge.logins.asked).toEqual([]);
  });

  it('a callback that came without a code is code_missing', async () => {
    const { statusCode, json } = await post('exchange', { app: 'shop', state: 's', binding: 'b' });
    expect([statusCode, json()]).toMatchObject([400, { code: 'code_missing', action: 'fix_request' }]);
    expect(edge.logins.asked).toEqual([]);
  });

  /** The contract's table, word for word. */
  const ERRORS: readonly (readonly [LoginErrorCode, number, string])[] = [
    ['redirect_uri_not_allowed', 400, 'fix_request'],
    ['scope_not_allowed', 400, 'fix_request'],
    ['code_missing', 400, 'fix_request'],
    ['wrong_app_type', 400, 'fix_request'],
    ['state_unknown', 400, 'reauthorize'],
    ['state_expired', 400, 'reauthorize'],
    ['state_mismatch', 400, 'reauthorize'],
    ['state_used', 409, 'reauthorize'],
    ['ticket_unknown', 400, 'reauthorize'],
    ['ticket_used', 409, 'reauthorize'],
    ['code_used', 409, 'reauthorize'],
    ['code_invalid', 422, 'reauthorize'],
    ['code_expired', 410, 'reauthorize'],
    ['exchange_outcome_unknown', 502, 'reauthorize'],
    ['session_unknown', 404, 'reauthorize'],
    ['reauthorize_required', 409, 'reauthorize'],
    ['scope_missing', 403, 'reauthorize'],
    ['user_blocked', 403, 'stop'],
    ['data_invalid', 422, 'fix_request'],
    ['rate_limited', 429, 'retry'],
    ['app_misconfigured', 503, 'fix_config'],
    ['upstream_unavailable', 503, 'retry'],
    ['store_unavailable', 503, 'retry'],
  ];

  it.each(ERRORS)('%s is %i, and the service is to %s', async (code, status, action) => {
    const usual = edge.logins.answers;
    const fail = (): never => {
      throw new LoginError(code, { errcode: 40029, retryAfterSeconds: status === 429 ? 7 : undefined });
    };
    edge.logins.answers = { ...usual };
    for (const method of Object.keys(usual) as (keyof typeof usual)[]) edge.logins.answers[method] = fail;
    for (const [path, body] of ROUTES) {
      const { statusCode, headers, json } = await post(path, body);
      expect([path, statusCode, json()]).toMatchObject([path, status, { code, action, status }]);
      expect(headers['content-type']).toBe('application/problem+json');
      const mayWait = status >= 500 && code !== 'exchange_outcome_unknown';
      const wait = status === 429 ? '7' : mayWait ? expect.any(String) : undefined;
      expect(headers['retry-after']).toEqual(wait);
    }
    edge.logins.answers = usual;
    expect(edge.audit.entries.map(({ reason, status: recorded }) => [reason, recorded])).toEqual(
      ROUTES.map(() => [code, status]),
    );
  });

  it('all are recorded, with client, app and user, and never with a secret', async () => {
    for (const [path, body] of ROUTES) await post(path, body);
    const recorded = edge.audit.entries.map(({ action, client, app, openid }) => [
      action,
      client,
      app,
      openid,
    ]);
    expect(recorded).toEqual([
      ['login.begin', 'web', 'shop', undefined],
      ['login.exchange', 'web', 'shop', OPENID],
      ['login.redeem', 'web', 'shop', OPENID],
      ['login.phone', 'web', 'shop', undefined],
      ['login.userinfo', 'web', 'shop', OPENID],
      ['login.tokens', 'web', 'shop', OPENID],
      ['login.session_check', 'web', 'shop', OPENID],
      ['login.decrypt', 'web', 'shop', OPENID],
      ['login.session_key', 'web', 'shop', OPENID],
      ['login.logout', 'web', 'shop', OPENID],
    ]);
    expect(JSON.stringify(edge.audit.entries)).not.toMatch(/canary|tbs_|tbt_/);
  });
});
