import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { OPENID } from '../../../test/support/fake-logins.js';
import type { DropInAnswer } from '../../core/login/drop-in-login.js';

const APP_ID = 'wx0123456789abcdef';
/** Of two apps: one for the web, one a mini program. */
const SHARED = 'wxfedcba9876543210';
const MINI = 'wx00000000000000aa';
/** At these SDKs fetch a new global token and send the code again. */
const NEVER = [40001, 40014, 42001];

const refused = (errcode: number, message: string): DropInAnswer & { kind: 'refused' } => ({
  kind: 'refused',
  login: null,
  errcode,
  message,
  meaning: 'other',
});

interface Refusal {
  readonly errcode: number;
  readonly errmsg: string;
}

describe("WeChat's login endpoints", () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge({
      apps: ['shop', 'web', 'web-mini', 'mini'],
      statuses: { web: { appId: SHARED }, 'web-mini': { appId: SHARED }, mini: { appId: MINI } },
      clients: [
        apiClient('web', { scopes: ['login'] }),
        apiClient('reader'),
        apiClient('miner', { apps: ['mini'], scopes: ['login'] }),
      ],
    });
  });
  afterAll(() => edge.app.close());

  /** As the service answers: what is of no use for an app's type, and else this. */
  let answer: DropInAnswer | (() => never);
  beforeEach(() => {
    answer = { kind: 'body', body: `{"openid":"${OPENID}"}` };
    edge.logins.dropInAnswer = (app, kind) => {
      const isMini = app.endsWith('mini');
      if (kind !== undefined && isMini !== (kind === 'mini_program')) return { kind: 'wrong_app_type' };
      return typeof answer === 'function' ? answer() : answer;
    };
    edge.logins.asked.length = 0;
    edge.audit.entries.length = 0;
    edge.observer.refusals.length = 0;
    edge.observer.denials.length = 0;
  });

  const get = (path: string, parameters: Record<string, string>) =>
    edge.app.inject({ url: `/sns/${path}?${new URLSearchParams(parameters).toString()}` });
  const WEB = { appid: APP_ID, secret: keyOf('web'), code: 'c1', grant_type: 'authorization_code' };
  const JS = { appid: MINI, secret: keyOf('web'), js_code: 'j1', grant_type: 'authorization_code' };
  const REFRESH = { appid: APP_ID, grant_type: 'refresh_token', refresh_token: 'r1' };
  const USER = { access_token: 'u1', openid: OPENID };
  const ALL = [
    ['oauth2/access_token', WEB],
    ['jscode2session', JS],
    ['oauth2/refresh_token', REFRESH],
    ['userinfo', USER],
    ['auth', USER],
  ] as const;

  const without = (from: Record<string, string>, name: string) =>
    Object.fromEntries(Object.entries(from).filter(([key]) => key !== name));

  it.each([
    ['oauth2/access_token', WEB, 'dropIn.exchange', { app: 'shop', client: 'web', code: 'c1', kind: 'web' }],
    [
      'jscode2session',
      JS,
      'dropIn.exchange',
      { app: 'mini', client: 'web', code: 'j1', kind: 'mini_program' },
    ],
    ['oauth2/refresh_token', REFRESH, 'dropIn.refresh', { app: 'shop', refreshToken: 'r1' }],
    [
      'userinfo',
      { ...USER, lang: 'en' },
      'dropIn.userinfo',
      { provider: 'wechat', accessToken: 'u1', openid: OPENID, lang: 'en' },
    ],
    ['auth', USER, 'dropIn.auth', { provider: 'wechat', accessToken: 'u1', openid: OPENID }],
  ])('%s answers with the bytes of WeChat', async (path, parameters, method, request) => {
    const body = `{ "openid":"${OPENID}","unknown_field" : 1.0,"昵称":"\\u5c0f\u{1F600}" }\n`;
    answer = { kind: 'body', body };
    const { statusCode, headers, rawPayload } = await get(path, parameters);
    expect([statusCode, rawPayload.toString()]).toEqual([200, body]);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(edge.logins.asked).toEqual([{ method, request }]);
  });

  it.each([
    ['oauth2/access_token', without(WEB, 'appid'), 41002],
    ['oauth2/access_token', without(WEB, 'secret'), 41004],
    ['oauth2/access_token', without(WEB, 'code'), 41008],
    ['oauth2/access_token', without(WEB, 'grant_type'), 40002],
    ['oauth2/access_token', { ...WEB, grant_type: 'client_credential' }, 40002],
    ['oauth2/access_token', { ...WEB, secret: 'nobody' }, 40125],
    ['oauth2/access_token', { ...WEB, appid: 'wx0000000000000000' }, 40013],
    ['oauth2/access_token', { ...WEB, secret: keyOf('miner') }, 40013],
    ['oauth2/access_token', { ...WEB, secret: keyOf('reader') }, 48001],
    ['jscode2session', without(JS, 'appid'), 41002],
    ['jscode2session', without(JS, 'secret'), 41004],
    ['jscode2session', without(JS, 'js_code'), 41008],
    ['jscode2session', { ...JS, grant_type: 'x' }, 40002],
    ['oauth2/refresh_token', without(REFRESH, 'appid'), 41002],
    ['oauth2/refresh_token', { ...REFRESH, grant_type: 'x' }, 40002],
    ['oauth2/refresh_token', without(REFRESH, 'refresh_token'), 41003],
    ['userinfo', without(USER, 'access_token'), 41001],
    ['userinfo', without(USER, 'openid'), 41009],
    ['auth', without(USER, 'access_token'), 41001],
  ])('%s %j is %i, and asks nothing', async (path, parameters, errcode) => {
    const { statusCode, headers, json } = await get(path, parameters);
    expect([statusCode, json<Refusal>().errcode]).toEqual([200, errcode]);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
    });
    expect(edge.logins.asked).toEqual([]);
    expect(edge.observer.refusals).toEqual([`/sns/${path} ${String(errcode)}`]);
  });

  it('a parameter that is given twice counts as missing', async () => {
    const { json } = await edge.app.inject({
      url: `/sns/oauth2/access_token?${new URLSearchParams(WEB).toString()}&code=c2`,
    });
    expect(json()).toMatchObject({ errcode: 41008 });
  });

  it('of several apps with one AppID, the one of the right type is meant', async () => {
    await get('oauth2/access_token', { ...WEB, appid: SHARED });
    await get('jscode2session', { ...JS, appid: SHARED });
    expect(edge.audit.entries).toMatchObject([
      { app: 'web', status: 200 },
      { app: 'web-mini', status: 200 },
    ]);
  });

  it('a surplus access_token, as WxJava adds one, is ignored', async () => {
    await get('jscode2session', { ...JS, access_token: '83_global' });
    expect(edge.logins.asked).toMatchObject([{ request: { code: 'j1' } }]);
  });

  it.each([
    [{ kind: 'code_used' }, 40163],
    [{ kind: 'not_sent' }, -1],

    [refused(40029, 'invalid code, rid: 1'), 40029],
    [refused(40013, 'invalid appid'), 40013],
    [refused(40125, 'invalid appsecret'), 40125],
    [refused(40164, 'not in whitelist'), 40164],
    [refused(40226, 'code blocked'), 40226],
    [refused(45011, 'slower'), 45011],
    [refused(40001, 'invalid credential'), 40125],
    [refused(40014, 'invalid access_token'), 40163],
    [refused(42001, 'access_token expired'), 40163],
  ] as const)('an exchange that ends with %j is answered %i', async (given, errcode) => {
    answer = given;
    const { statusCode, json } = await get('oauth2/access_token', WEB);
    const { errcode: answered, errmsg } = json<Refusal>();
    expect([statusCode, answered]).toEqual([200, errcode]);
    if (given.kind === 'refused') expect(errmsg).toBe(given.message);
  });

  it('an exchange that nobody foresaw is never -1: the code may have been sent', async () => {
    answer = () => {
      throw new Error('the store went away');
    };
    const { json } = await get('oauth2/access_token', WEB);
    expect(json()).toMatchObject({ errcode: 40163 });
    expect(edge.logger.errors).toHaveLength(1);
    expect(edge.logger.errors[0]).not.toContain('secret=');
    edge.logger.errors.length = 0;
  });

  it.each([
    ['oauth2/refresh_token', REFRESH, 'login.refresh'],
    ['userinfo', USER, 'login.userinfo'],
    ['auth', USER, null],
  ])(
    'a relayed %s that was lost is 50002, and -1 only if it was not sent',
    async (path, parameters, action) => {
      const ask = async () => {
        edge.audit.entries.length = 0;
        return (await get(path, parameters)).json<Refusal>();
      };
      answer = { kind: 'lost' };
      expect(await ask()).toMatchObject({
        errcode: 50002,
        errmsg: expect.stringMatching(/does no harm/) as string,
      });
      expect(edge.audit.entries).toMatchObject(
        action === null ? [] : [{ action, status: 502, reason: '50002' }],
      );
      answer = { kind: 'not_sent' };
      expect(await ask()).toMatchObject({ errcode: -1 });
      answer = () => {
        throw new Error('nobody knows what was sent');
      };
      expect(await ask()).toMatchObject({ errcode: 50002 });
      expect(edge.logger.errors).toHaveLength(1);
      edge.logger.errors.length = 0;
    },
  );

  it.each([
    ['oauth2/access_token', { ...WEB, appid: MINI }],
    ['jscode2session', { ...JS, appid: APP_ID }],
  ])('%s of an app of another type is 48001', async (path, parameters) => {
    expect((await get(path, parameters)).json()).toMatchObject({ errcode: 48001 });
  });

  it.each([
    ['oauth2/refresh_token', REFRESH, 40030],
    ['oauth2/refresh_token', { ...REFRESH, appid: 'wx0000000000000000' }, 40030],
    ['userinfo', USER, 40003],
    ['auth', USER, 40003],
  ])('%s relays no token that this broker did not hand out', async (path, parameters, errcode) => {
    answer = { kind: 'unknown_token' };
    expect((await get(path, parameters)).json()).toMatchObject({ errcode });
  });

  it('never answers with an errcode at which an SDK fetches a token', async () => {
    const refusals = [-1, 40001, 40014, 42001, 40029, 40163].map((errcode) => refused(errcode, 'x'));
    const kinds = ['code_used', 'not_sent', 'lost', 'unknown_token', 'wrong_app_type'] as const;
    for (const refusal of [...refusals, ...kinds.map((kind) => ({ kind }))]) {
      answer = refusal;
      for (const [path, parameters] of ALL) {
        expect(NEVER).not.toContain((await get(path, parameters)).json<Refusal>().errcode);
      }
    }
  });

  it('records who logged whom in', async () => {
    await get('oauth2/access_token', WEB);
    await get('oauth2/access_token', { ...WEB, secret: keyOf('reader') });
    answer = { kind: 'code_used' };
    await get('oauth2/access_token', WEB);
    expect(edge.audit.entries).toMatchObject([
      { action: 'login.exchange', client: 'web', app: 'shop', openid: OPENID, status: 200 },
      { action: 'access.refused', client: 'reader', status: 403, reason: 'missing_scope' },
      { action: 'login.exchange', client: 'web', app: 'shop', status: 409, reason: '40163' },
    ]);
    expect(edge.observer.denials).toEqual(['missing_scope /sns/oauth2/access_token']);
  });

  it.each(['POST', 'PUT'] as const)('takes no %s', async (method) => {
    const { statusCode, headers, json } = await edge.app.inject({ method, url: '/sns/oauth2/access_token' });
    expect([statusCode, json()]).toMatchObject([200, { errcode: 43001 }]);
    expect(headers['content-type']).toBe('application/json; charset=utf-8');
  });

  it.each(['/sns/oauth2/component/access_token', '/sns/oauth2', '/sns/nowhere'])(
    'refuses %s as WeChat refuses a path',
    async (url) => {
      const { statusCode, json } = await edge.app.inject({ url });
      expect([statusCode, json()]).toMatchObject([200, { errcode: 40066 }]);
    },
  );
});
