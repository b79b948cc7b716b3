import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { findLeaks } from './support/find-leaks.js';
import { request, type HttpAnswer } from './support/http-client.js';
import { startPlatform } from './support/start-platform.js';

const KEY = newApiKey();
const OTHER_KEY = newApiKey();
const REDIRECT_URI = 'http://127.0.0.1:9/back?from=broker';
const WEB = { name: 'web', ...newApp() };
const MINI = { name: 'mini', ...newApp(), type: 'mini_program' as const };
const HOSTED = { name: 'hosted', ...newApp() };
const EXCHANGE = '/sns/oauth2/access_token';

describe('logins over real HTTP', () => {
  let simulator: WechatSimulator;
  let broker: BrokerProcess;
  /** All that must be in no log: codes, states, bindings, sessions, tickets, tokens, keys. */
  const secrets: Record<string, string> = { webSecret: WEB.appSecret, miniSecret: MINI.appSecret };

  beforeAll(async () => {
    simulator = await startPlatform({ apps: [WEB, MINI, HOSTED] });
    const { url: apiBaseUrl } = simulator;
    const login = { redirectUris: [REDIRECT_URI], authorizeBaseUrl: apiBaseUrl };
    const config = brokerConfig({
      apps: [
        { ...WEB, apiBaseUrl, more: { login } },
        { ...MINI, apiBaseUrl },
        { ...HOSTED, apiBaseUrl, more: { login: { ...login, callbackBaseUrl: 'https://login.example' } } },
      ],
      keys: { web: KEY, other: OTHER_KEY },
      scopes: ['login', 'login:tokens', 'login:session-key'],
      server: { logLevel: 'trace' },
      sections: { audit: { reads: 'all' } },
    });
    broker = await startBroker({ config, key: KEY });
  }, 60_000);
  afterAll(() => broker.process.kill());

  const keep = (name: string, value: unknown): string => {
    secrets[`${name}-${String(Object.keys(secrets).length)}`] = String(value);
    return String(value);
  };
  const openidOf = (appId: string): string => simulator.login.putUser({ appId, user: 'bob' }).openid;
  const exchanges = (appId: string, path = EXCHANGE): number =>
    simulator
      .calls(appId)
      .counts.filter((one) => one.path === path)
      .reduce((sum, { requests }) => sum + requests, 0);
  const post = (route: string, body: object, key = KEY): Promise<HttpAnswer> =>
    broker.post(`/login/${route}`, body, key);

  async function begin(app: string): Promise<{ url: string; state: string; binding: string }> {
    const { status, body } = await post('authorize-url', { app, redirect_uri: REDIRECT_URI });
    expect([status, body.expires_in]).toEqual([200, 600]);
    return {
      url: String(body.url),
      state: keep('state', body.state),
      binding: keep('binding', body.binding),
    };
  }

  /** As a browser whose user consents. */
  async function consent(url: string): Promise<URL> {
    const page = await fetch(url, { headers: { 'x-sim-user': 'bob' }, redirect: 'manual' });
    const location = new URL(page.headers.get('location') ?? `${await page.text()} is no redirect`);
    keep('code', location.searchParams.get('code'));
    return location;
  }

  async function login(): Promise<{ code: string; state: string; binding: string }> {
    const { url, state, binding } = await begin('web');
    expect(url).toMatch(
      /\?appid=wx\w{16}&redirect_uri=[^&]+&response_type=code&scope=snsapi_base&state=[A-Za-z0-9]{43}#wechat_redirect$/,
    );
    return { code: (await consent(url)).searchParams.get('code') ?? '', state, binding };
  }

  it('a user logs in, and the same values get the same answer without a second call', async () => {
    const values = { app: 'web', ...(await login()) };
    const before = exchanges(WEB.appId);
    const first = await post('exchange', values);
    expect([first.status, first.body]).toMatchObject([
      200,
      {
        openid: openidOf(WEB.appId),
        scope: ['snsapi_base'],
        snapshot: false,
        session: expect.stringMatching(/^tbs_/) as string,
      },
    ]);
    const session = keep('session', first.body.session);
    const again = await Promise.all(Array.from({ length: 10 }, () => post('exchange', values)));
    expect(new Set(again.map(({ text }) => text))).toEqual(new Set([first.text]));
    expect(exchanges(WEB.appId)).toBe(before + 1);

    const { body: tokens } = await post('tokens', { session });
    keep('access token', tokens.access_token);
    keep('refresh token', tokens.refresh_token);
    expect((await post('tokens', { session }, OTHER_KEY)).body).toMatchObject({ code: 'session_unknown' });
    expect((await post('logout', { session })).status).toBe(204);
    expect((await post('tokens', { session })).body).toMatchObject({ code: 'session_unknown', status: 404 });
  });

  it('a state that is unknown, mismatched, of another client or used never spends a code', async () => {
    const values = { app: 'web', ...(await login()) };
    const before = exchanges(WEB.appId);
    const wrong = [
      await post('exchange', { ...values, state: 'x'.repeat(43) }),
      await post('exchange', { ...values, binding: 'x'.repeat(43) }),
      await post('exchange', values, OTHER_KEY),
    ];
    expect(wrong.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'state_unknown'],
      [400, 'state_mismatch'],
      [400, 'state_unknown'],
    ]);
    expect(exchanges(WEB.appId)).toBe(before);
    expect((await post('exchange', values)).status).toBe(200);
    const { code } = simulator.login.createCode({ appId: WEB.appId });
    expect((await post('exchange', { ...values, code })).body).toMatchObject({
      code: 'state_used',
      status: 409,
    });
    expect(exchanges(WEB.appId)).toBe(before + 1);
  });

  it.each([EXCHANGE, '/sns/jscode2session'])(
    '%s: one call for one code, whoever asks how often',
    async (path) => {
      const isWeb = path === EXCHANGE;
      const { appId } = isWeb ? WEB : MINI;
      const code = keep('code', simulator.login.createCode({ appId }).code);
      const ask = (secret: string): Promise<HttpAnswer> => {
        const given = {
          appid: appId,
          secret,
          [isWeb ? 'code' : 'js_code']: code,
          grant_type: 'authorization_code',
        };
        return request(`${broker.url}${path}?${new URLSearchParams(given).toString()}`);
      };
      const before = exchanges(appId, path);
      const answers = await Promise.all(Array.from({ length: 50 }, () => ask(KEY)));
      const [first] = answers;
      expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
      expect(first?.headers.get('content-type')).toBe('application/json; charset=utf-8');
      expect(first?.body).not.toHaveProperty('errcode');
      keep('given', isWeb ? first?.body.access_token : first?.body.session_key);
      expect((await ask(OTHER_KEY)).body).toMatchObject({ errcode: 40163 });
      expect(exchanges(appId, path)).toBe(before + 1);
    },
  );

  it('the hosted callback sends the browser on with a ticket that only its service can redeem', async () => {
    const { url, binding } = await begin('hosted');
    const back = await consent(url);
    expect(back.origin + back.pathname).toBe('https://login.example/login/callback/hosted');
    const callback = () => fetch(`${broker.url}${back.pathname}${back.search}`, { redirect: 'manual' });
    const landed = await callback();
    const landing = new URL(landed.headers.get('location') ?? '');
    const ticket = keep('ticket', landing.searchParams.get('ticket'));
    expect(landed.status).toBe(303);
    expect(landed.headers.get('referrer-policy')).toBe('no-referrer');
    expect(landing.href.startsWith(REDIRECT_URI)).toBe(true);
    expect((await callback()).headers.get('location')).toBe(landing.href);
    expect((await post('redeem', { ticket, binding }, OTHER_KEY)).body).toMatchObject({
      code: 'ticket_unknown',
    });
    const redeemed = await post('redeem', { ticket, binding });
    keep('session', redeemed.body.session);
    expect(redeemed.body).toMatchObject({ openid: openidOf(HOSTED.appId) });
    const unknown = await fetch(`${broker.url}/login/callback/hosted?code=x&state=y`, { redirect: 'manual' });
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([400, 'text/html; charset=utf-8']);
  });

  it('what comes from a page is refused', async () => {
    const { status, body } = await request(`${broker.url}/login/exchange`, {
      method: 'POST',
      key: KEY,
      body: {},
      headers: { origin: 'https://evil.example' },
    });
    expect([status, body.code]).toEqual([403, 'browser_refused']);
  });

  it('nothing of it is in a log, an audit line or a metric', async () => {
    const metrics = await broker.get('/metrics');
    const kept = Object.fromEntries(Object.entries(secrets).filter(([, value]) => value.length >= 16));
    expect(Object.keys(kept).length).toBeGreaterThan(15);
    expect(findLeaks(broker.output() + metrics.text, kept)).toEqual([]);
    expect(metrics.text).toMatch(/tokenbroker_login_exchanges_total\{app="web",result="ok"\} [1-9]/);
    const audited = broker.logs().filter(({ event }) => event === 'login.exchange');
    expect(audited[0]).toMatchObject({
      stream: 'audit',
      client: 'web',
      app: 'web',
      openid_sha256_8: expect.any(String) as string,
    });
  });
});
