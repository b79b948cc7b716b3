import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { request } from './support/http-client.js';
import { startPlatform } from './support/start-platform.js';
import type { WechatSimulator } from '@access-token-broker/simulator';

const KEY = newApiKey();
const SITE = newApp();

describe('an app without a token of its own', () => {
  let platform: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    platform = await startPlatform({ apps: [{ ...SITE, type: 'website' }] });
    const site = { name: 'site', type: 'website' as const, ...SITE, apiBaseUrl: platform.url };
    broker = await startBroker({ config: brokerConfig({ apps: [site], keys: { orders: KEY } }), key: KEY });
  });
  afterAll(() => broker.kill());

  it('is ready at once, and nothing is fetched for it', async () => {
    const ready = await broker.get('/health/ready');
    expect(ready).toMatchObject({
      status: 200,
      body: { status: 'ready', apps: [{ app: 'site', state: 'ok' }] },
    });
    expect(platform.calls()).toMatchObject({ fetches: 0, log: [] });
  });

  it('stands in GET /apps with its type', async () => {
    const { text } = await broker.get('/apps');
    expect(JSON.parse(text)).toEqual([
      {
        app: 'site',
        provider: 'wechat',
        type: 'website',
        grant: null,
        app_id: SITE.appId,
        state: 'ok',
        generation: null,
        issued_at: null,
        expires_at: null,
        next_refresh_at: null,
        last_error: null,
        fetches_today: 0,
        fetch_budget: 0,
      },
    ]);
  });

  it.each([
    ['GET /token', () => broker.get('/token?app=site')],
    ['GET /token without a name', () => broker.get('/token')],
    ['POST /token/refresh', () => broker.post('/token/refresh', { app: 'site' })],
    ['GET /token/events', () => broker.get('/token/events?app=site')],
    ['GET /ticket', () => broker.get('/ticket?app=site&type=jsapi')],
    [
      'POST /ticket/signature',
      () => broker.post('/ticket/signature', { app: 'site', url: 'https://a.example/' }),
    ],
  ])('%s says that there is none', async (_, ask) => {
    const answer = await ask();
    expect(answer).toMatchObject({
      status: 404,
      body: {
        code: 'no_token_for_app_type',
        detail: expect.stringContaining('of type website') as string,
      },
    });
  });

  it('is no client of POST /oauth2/token', async () => {
    const answer = await fetch(`${broker.url}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'site',
        client_secret: KEY,
      }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: 'unauthorized_client' }]);
  });

  it.each(['token', 'stable_token'])('is refused in the words of WeChat at /cgi-bin/%s', async (endpoint) => {
    const asked = { grant_type: 'client_credential', appid: SITE.appId, secret: KEY };
    const { status, body } =
      endpoint === 'token'
        ? await request(`${broker.url}/cgi-bin/token?${new URLSearchParams(asked).toString()}`)
        : await request(`${broker.url}/cgi-bin/stable_token`, { method: 'POST', body: asked });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      errcode: 48001,
      errmsg: expect.stringContaining('of type website') as string,
    });
  });

  it('has no series about tokens in the metrics', async () => {
    expect(await broker.metrics()).not.toContain('app="site"');
  });
});
