import { createHash } from 'node:crypto';
import { MINIMAL_ACL } from './support/minimal-acl.js';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { request, type HttpAnswer } from './support/http-client.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';
import { startWorld } from './support/start-world.js';

const PATH = '/cgi-bin/ticket/getticket';
const TICKET = '/ticket?app=shop&type=jsapi';

const named = (name: string) => ({ name, ...newApp() });
const APPS = {
  asked: named('asked'),
  cold: named('cold'),
  rotated: named('rotated'),
  dead: named('dead'),
  bare: named('bare'),
  refused: { ...named('refused'), unauthorizedPaths: [PATH] },
  dropIn: named('drop-in'),
  last: named('last'),
};

describe('tickets', () => {
  let simulator: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    ({ simulator, broker } = await startWorld({ apps: Object.values(APPS) }));
    await broker.ready();
  }, 30_000);

  function asks({ appId }: { readonly appId: string }): number {
    const counts = simulator.calls(appId).counts.filter(({ path }) => path === PATH);
    return counts.reduce((sum, { requests }) => sum + requests, 0);
  }

  const ticket = (app: string, type = 'jsapi'): Promise<HttpAnswer> =>
    broker.get(`/ticket?app=${app}&type=${type}`);

  it('are fetched only when somebody asks, and are no apps', async () => {
    expect(simulator.calls().counts.filter(({ path }) => path === PATH)).toEqual([]);
    const { status, body } = await ticket('asked');
    expect(status).toBe(200);
    expect(Object.keys(body)).toEqual([
      'app',
      'type',
      'ticket',
      'expires_in',
      'expires_at',
      'generation',
      'cache_max_age',
    ]);
    expect(body).toMatchObject({ app: 'asked', type: 'jsapi', cache_max_age: 60 });
    expect(body.expires_in).toBeGreaterThan(7100);
    expect((await ticket('asked', 'wx_card')).body.ticket).not.toBe(body.ticket);
    expect((await ticket('asked')).body.ticket).toBe(body.ticket);
    expect(asks(APPS.asked)).toBe(2);

    const apps = (await broker.get('/apps')).text;
    expect(apps).not.toContain('jsapi');
    expect((await broker.get('/token?app=asked/jsapi')).status).toBe(404);
    expect((await broker.get('/health/ready')).text).not.toContain('jsapi');
  });

  it('are asked for once by 100 callers at once', async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ticket('cold')));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ body }) => body.ticket)).size).toBe(1);
    expect(asks(APPS.cold)).toBe(1);
  });

  it('sign a page so that WeChat would agree', async () => {
    const url = 'https://example.com/page?a=1&b=%E4%B8%AD';
    const { body: signed } = await broker.post('/ticket/signature', { app: 'asked', url });
    const held = String((await ticket('asked')).body.ticket);
    expect(Object.keys(signed)).toEqual(['app_id', 'timestamp', 'nonce_str', 'signature']);
    expect(signed.app_id).toBe(APPS.asked.appId);
    expect(Math.abs(Number(signed.timestamp) - Date.now() / 1000)).toBeLessThan(60);
    const text = `jsapi_ticket=${held}&noncestr=${String(signed.nonce_str)}&timestamp=${String(signed.timestamp)}&url=${url}`;
    expect(signed.signature).toBe(createHash('sha1').update(text).digest('hex'));
  });

  it('outlive the token that they were fetched with', async () => {
    const before = (await ticket('rotated')).body.ticket;
    const token = await broker.token('rotated');
    await broker.post('/token/refresh', { app: 'rotated', force: true });
    expect(await broker.token('rotated')).not.toBe(token);
    expect((await ticket('rotated')).body.ticket).toBe(before);
    expect(asks(APPS.rotated)).toBe(1);
  });

  it('are fetched with the next token when the one at hand turns out dead', async () => {
    const token = await broker.token('dead');
    simulator.killToken({ appId: APPS.dead.appId });
    expect((await ticket('dead')).status).toBe(200);
    expect(await broker.token('dead')).not.toBe(token);
    expect(simulator.calls(APPS.dead.appId).fetches).toBe(2);
    expect(asks(APPS.dead)).toBe(2);
  });

  it('say what is missing', async () => {
    expect((await ticket('bare', 'agent')).body).toMatchObject({
      code: 'invalid_request',
      detail: '"type" must be one of jsapi, wx_card.',
    });
    const refused = await ticket('refused');
    expect(refused.status).toBe(503);
    expect(refused.body).toMatchObject({ code: 'no_token_yet', errcode: 48001, retry_after: 300 });
    const hashed = await broker.post('/ticket/signature', { app: 'bare', url: 'https://a.example/#/b' });
    expect(hashed.status).toBe(400);
    expect(hashed.body.detail).toMatch(/url has a fragment.*location\.href\.split\('#'\)\[0\]/);
    expect(asks(APPS.bare)).toBe(0);
  });

  it('are given to SDKs that hold a token', async () => {
    const get = (accessToken: string, type = 'jsapi', host = broker.url): Promise<HttpAnswer> =>
      request(`${host}${PATH}?${new URLSearchParams({ access_token: accessToken, type }).toString()}`);
    const token = await broker.token('drop-in');
    for (const [ours, theirs] of [
      [await get(token), await get(token, 'jsapi', simulator.url)],
      [await get(''), await get('', 'jsapi', simulator.url)],
      [await get('83_of-nobody'), await get('83_of-nobody', 'jsapi', simulator.url)],
      [await get(token, 'agent'), await get(token, 'agent', simulator.url)],
    ] as const) {
      expect(ours.status).toBe(200);
      expect(ours.headers.get('content-type')).toBe(theirs.headers.get('content-type'));
      expect(Object.keys(ours.body)).toEqual(Object.keys(theirs.body));
      expect(ours.body.errcode).toBe(theirs.body.errcode);
      expect(ours.body.ticket).toBe(theirs.body.ticket);
    }
    expect((await get(token)).body.expires_in).toBeGreaterThan(7000);

    await broker.post('/token/refresh', { app: 'drop-in', force: true });
    // It leaked: whoever has it gets nothing more for it.
    expect((await get(token)).body.errcode).toBe(40001);
    expect((await get(await broker.token('drop-in'))).body.errcode).toBe(0);
  });

  it('are awaited when the broker stops', async () => {
    simulator.addFault({ path: PATH, appId: APPS.last.appId, delayBeforeMs: 500 });
    const asked = ticket('last');
    await eventually('asked for', () => asks(APPS.last) === 1);
    expect(await broker.stop()).toBe(0);
    expect((await asked).status).toBe(200);
  });
});

describe('two replicas over Redis', () => {
  it('share one ticket, and go on with it when one of them is gone', async () => {
    const shop = { name: 'shop', ...newApp() };
    const key = newApiKey();
    const simulator = await startPlatform({ apps: [shop] });
    const user = { name: 'broker', password: 'ticket-test-password' };
    const redis = await RedisServer.start({ users: [`${user.name} on >${user.password} ${MINIMAL_ACL}`] });
    const config = {
      ...brokerConfig({ apps: [{ ...shop, apiBaseUrl: simulator.url }], keys: { orders: key } }),
      redis: { url: redis.url(user) },
      encryption: { keys: [{ id: 'k1', key: Buffer.alloc(32, 7).toString('base64') }] },
    };
    const replicas = await Promise.all([startBroker({ config, key }), startBroker({ config, key })]);
    await Promise.all(replicas.map((replica) => replica.ready()));

    const asked = Array.from({ length: 20 }, () => replicas.map((replica) => replica.get(TICKET)));
    const answers = await Promise.all(asked.flat());
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    const [ticket, ...others] = new Set(answers.map(({ body }) => body.ticket));
    expect(others).toEqual([]);
    expect(new Set(answers.map(({ body }) => body.generation)).size).toBe(1);

    await replicas[0].kill();
    const third = await startBroker({ config, key });
    expect((await third.get(TICKET)).body.ticket).toBe(ticket);
    const asks = simulator.calls(shop.appId).counts.find(({ path }) => path === PATH);
    expect(asks?.requests).toBe(1);
  }, 60_000);
});
