import {
  apiClient,
  createEdge,
  keyOf,
  type Edge,
  type EdgeOptions,
} from '../../../test/support/create-edge.js';
import { startEchoingApi, wechatApi } from '../../../test/support/echoing-api.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import type { GatewayApp } from '../../core/ports/gateway-profile.js';

type ClientSection = NonNullable<EdgeOptions['clients']>[number];

const APP_ID = 'wx0123456789abcdef';
const REAL = 'canary-of-the-real-token';
const ECHO = { allow: ['* /cgi-bin/echo', '* /wxa/echo'], maxBodyBytes: 64 };

function sdkClient(name: string, more: Partial<ClientSection> = {}): ClientSection {
  return apiClient(name, {
    scopes: ['gateway', 'token:read', 'token:refresh', 'token:admin'],
    virtualTokens: true,
    gateway: ECHO,
    ...more,
  });
}

async function createSdkEdge(api: GatewayApp, options: EdgeOptions = {}): Promise<Edge> {
  const edge = await createEdge({
    apps: ['shop'],
    gateway: { apps: [api] },
    clients: [
      sdkClient('sdk'),
      sdkClient('brief', { maxExpiresInSeconds: 300 }),
      sdkClient('slow', { gateway: { ...ECHO, ratePerSecond: 1 } }),
      sdkClient('signer', { scopes: ['gateway', 'ticket:read'] }),
      sdkClient('idle', { scopes: [] }),
    ],
    ...options,
  });
  const held = heldToken(1, 7_200_000);
  edge.broker.tokens.set('shop', { ...held, record: { ...held.record, value: REAL } });
  return edge;
}

async function answerTo(edge: Edge, client: string, how: 'token' | 'stable_token' = 'stable_token') {
  const asked = { grant_type: 'client_credential', appid: APP_ID, secret: keyOf(client) };
  const response =
    how === 'token'
      ? await edge.app.inject({ url: `/cgi-bin/token?${new URLSearchParams(asked).toString()}` })
      : await edge.app.inject({
          method: 'POST',
          url: '/cgi-bin/stable_token',
          payload: { ...asked, force_refresh: true },
        });
  return response.json<{ access_token: string; expires_in: number; errcode?: number }>();
}

const tokenOf = async (edge: Edge, client = 'sdk') => (await answerTo(edge, client)).access_token;

describe('a client with virtual tokens', () => {
  let edge: Edge;
  let origin: string;

  beforeAll(async () => {
    edge = await createSdkEdge(await startEchoingApi('shop'));
    await edge.app.listen(0, '127.0.0.1');
    origin = await edge.app.getUrl();
  });

  afterAll(() => edge.app.close());

  it('gets one from both token endpoints, and nothing is asked of the platform', async () => {
    for (const how of ['token', 'stable_token'] as const) {
      const { access_token, expires_in } = await answerTo(edge, 'sdk', how);
      expect(access_token).toMatch(/^tbv_[A-Za-z0-9_-]{16,508}$/);
      expect(expires_in).toBe(7200);
    }
    expect((await answerTo(edge, 'brief')).expires_in).toBe(300);
    expect(edge.broker.reports).toEqual([]);
    expect(edge.audit.entries.at(-1)).toMatchObject({
      action: 'token.virtual',
      client: 'brief',
      app: 'shop',
    });
  });

  it('needs the scope gateway for it', async () => {
    expect(await answerTo(edge, 'idle')).toMatchObject({ errcode: 48001 });
  });

  it.each([
    ['GET', '/token?app=shop'],
    ['GET', '/token/events?app=shop'],
    ['POST', '/token/refresh'],
  ] as const)('gets no real token, whatever its scopes say: %s %s', async (method, url) => {
    const response = await edge.send(method, url, 'sdk', method === 'POST' ? { app: 'shop' } : undefined);
    expect([response.statusCode, response.json()]).toMatchObject([403, { code: 'virtual_tokens_only' }]);
    expect(response.body).not.toContain(REAL);
  });

  it('gets no real token as a client of OAuth 2.0 either', async () => {
    const form = { grant_type: 'client_credentials', client_id: 'shop', client_secret: keyOf('sdk') };
    const response = await edge.app.inject({
      method: 'POST',
      url: '/oauth2/token',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      payload: new URLSearchParams(form).toString(),
    });
    expect([response.statusCode, response.json()]).toMatchObject([
      403,
      { error: 'unauthorized_client', code: 'virtual_tokens_only' },
    ]);
  });

  it.each(['cgi-bin', 'wxa'])(
    'calls the platform below /%s with it, which never leaves the broker',
    async (prefix) => {
      const token = await tokenOf(edge);
      const url = `${origin}/${prefix}/echo?b=2&access_token=${token}&a=1`;
      for (const init of [{}, { method: 'POST', body: '{"a":1}' }]) {
        const response = await fetch(url, init);
        expect(await response.json()).toEqual({
          errcode: 0,
          url: `/${prefix}/echo?b=2&a=1&access_token=***`,
        });
        expect(response.headers.get('x-token-generation')).toBe('1');
      }
      expect(edge.gatewayObserver.calls.at(-1)).toBe(`shop * /${prefix}/echo ok`);
      expect(edge.audit.entries.at(-1)).toMatchObject({ action: 'gateway.call', client: 'sdk', app: 'shop' });
    },
  );

  it.each([
    ['GET', '/cgi-bin/user/info', 200, 48001],
    ['GET', '/cgi-bin/openapi/rid/get', 200, 48001],
    ['POST', '/cgi-bin/clear_quota', 200, 48001],
    ['PUT', '/cgi-bin/token', 200, 43001],
    ['GET', '/cgi-bin/stable_token', 200, 43002],
    ['GET', '/cgi-bin/%74oken/', 200, 48001],
    ['GET', '/cgi-bin/ticket/getticket', 200, 48001],
    ['GET', '/cgi-bin//echo', 400, 40066],
    ['GET', '/cgi-bin/a%2fecho', 400, 40066],
    ['GET', '/cgi-bin/%zz', 400, 40066],
    ['GET', '/sns/nowhere', 200, 40066],
  ] as const)('is refused as WeChat would: %s %s', async (method, path, status, errcode) => {
    const calls = edge.gatewayObserver.calls.filter((call) => call.endsWith(' ok')).length;
    const token = await tokenOf(edge);
    const response = await fetch(`${origin}${path}?access_token=${token}&type=jsapi`, { method });
    const body = await response.text();
    expect(response.status).toBe(status);
    expect(JSON.parse(body)).toEqual({ errcode, errmsg: expect.any(String) as string });
    expect(body).not.toContain(token);
    expect(edge.gatewayObserver.calls.filter((call) => call.endsWith(' ok'))).toHaveLength(calls);
  });

  it('is told of too many calls and of a body that is too large', async () => {
    const slow = await tokenOf(edge, 'slow');
    const call = async (token: string, body = ''): Promise<unknown> =>
      (await fetch(`${origin}/cgi-bin/echo?access_token=${token}`, { method: 'POST', body })).json();
    expect(await call(slow)).toMatchObject({ errcode: 0 });
    expect(await call(slow)).toMatchObject({ errcode: 45011 });
    expect(await call(await tokenOf(edge), 'x'.repeat(65))).toMatchObject({ errcode: 45001 });
  });

  it('gets the ticket of the broker, with the scope for it', async () => {
    const url = `/cgi-bin/ticket/getticket?type=jsapi&access_token=${await tokenOf(edge, 'signer')}`;
    expect((await edge.app.inject({ url })).json()).toMatchObject({
      errcode: 0,
      ticket: expect.any(String) as string,
    });
  });

  it('fetches again once it expired', async () => {
    const token = await tokenOf(edge);
    const url = `/cgi-bin/echo?access_token=${token}`;
    edge.clock.pass(7200 * 1000);
    expect((await edge.app.inject({ url })).json()).toMatchObject({ errcode: 42001 });
    expect(
      (await edge.app.inject({ url: `/cgi-bin/ticket/getticket?type=jsapi&access_token=${token}` })).json(),
    ).toMatchObject({
      errcode: 42001,
    });
  });

  it.each(['tbv_garbage', 'tbk_key', REAL, ''])('is nobody with the access token "%s"', async (token) => {
    const before = edge.gatewayObserver.calls.length;
    const response = await edge.app.inject({
      method: 'POST',
      url: `/cgi-bin/echo?access_token=${token}`,
      payload: 'x'.repeat(100_000),
    });
    expect([response.statusCode, response.json()]).toMatchObject([200, { errcode: 40014 }]);
    expect(edge.gatewayObserver.calls).toHaveLength(before);
    expect(edge.audit.entries.at(-1)).toMatchObject({
      action: 'access.refused',
      client: null,
      status: 401,
      reason: 'unknown_token',
    });
  });
});

describe('the virtual tokens of a client', () => {
  const api = startEchoingApi('shop');
  const calledAt = async (options: EdgeOptions) => {
    const first = await createSdkEdge(await api);
    const token = await tokenOf(first);
    await first.app.close();
    const second = await createSdkEdge(await api, options);
    const { errcode } = (await second.app.inject({ url: `/cgi-bin/echo?access_token=${token}` })).json<{
      errcode: number;
    }>();
    await second.app.close();
    return errcode;
  };

  it.each<[string, ClientSection[], number]>([
    ['live on when its key is rotated', [sdkClient('sdk', { keySha256: ['0'.repeat(64)] })], 0],
    ['die with it', [sdkClient('other')], 40001],
    ['die when it is to have no virtual tokens', [sdkClient('sdk', { virtualTokens: false })], 40001],
    ['die when it may not see the app any more', [sdkClient('sdk', { apps: ['blog'] })], 40001],
    ['do nothing without the scope', [sdkClient('sdk', { scopes: ['ticket:read'] })], 48001],
  ])('%s', async (_, clients, errcode) => {
    expect(await calledAt({ clients })).toBe(errcode);
  });
});

describe('a call with a virtual token', () => {
  it('is -1 where nothing was sent', async () => {
    const edge = await createSdkEdge(wechatApi('shop', 'http://127.0.0.1:1'));
    const url = `/cgi-bin/echo?access_token=${await tokenOf(edge)}`;
    const response = await edge.app.inject({ url });
    expect([response.statusCode, response.json()]).toMatchObject([200, { errcode: -1 }]);
    await edge.app.close();
  });
});
