import WechatApi from 'co-wechat-api';
import { BareConnection } from './support/bare-connection.js';
import { gatewayClient, newApiKey, newApp } from './support/broker-config.js';
import { eventually } from './support/eventually.js';
import { findLeaks } from './support/find-leaks.js';
import { OtlpReceiver } from './support/otlp-receiver.js';
import { startReplicas, type ReplicatedWorld } from './support/start-replicas.js';

const SHOP = { name: 'shop', grant: 'classic' as const, ...newApp() };
const KEY = newApiKey();
const USER = '/cgi-bin/user/info';
const SEND = '/cgi-bin/message/custom/send';

describe('calls with a virtual token, over two replicas', () => {
  let world: ReplicatedWorld;
  let collector: OtlpReceiver;
  let virtual: string;

  beforeAll(async () => {
    collector = await OtlpReceiver.start();
    world = await startReplicas({
      apps: [SHOP],
      keys: { orders: newApiKey() },
      clients: [
        gatewayClient(
          'sdk',
          KEY,
          [`GET ${USER}`, 'POST /cgi-bin/message/**', '* /cgi-bin/media/*', '* /cgi-bin/echo'],
          {
            virtualTokens: true,
            scopes: ['gateway', 'token:read', 'token:refresh'],
          },
        ),
      ],
      server: { logLevel: 'trace' },
      sections: {
        gateway: { timeoutSeconds: 2 },
        audit: { reads: 'all' },
        tracing: { endpoint: collector.endpoint, sampleRatio: 1 },
      },
    });
    const asked = { grant_type: 'client_credential', appid: SHOP.appId, secret: KEY };
    const answer = await fetch(`${world.replicas[0].url}/cgi-bin/stable_token`, {
      method: 'POST',
      body: JSON.stringify(asked),
    });
    virtual = ((await answer.json()) as { access_token: string }).access_token;
  }, 90_000);

  afterEach(() => {
    world.simulator.clearFaults();
  });

  const call = (path: string, init: RequestInit = {}, replica = 1) =>
    fetch(
      `${world.replicas[replica]?.url ?? ''}${path}${path.includes('?') ? '&' : '?'}access_token=${virtual}`,
      init,
    );
  const send = () => call(SEND, { method: 'POST', body: '{"touser":"o1","msgtype":"text"}' });
  const arrived = (path: string) =>
    world.simulator.calls(SHOP.appId).counts.find((count) => count.path === path)?.requests ?? 0;

  it('are understood by the replica that did not give it', async () => {
    expect(virtual).toMatch(/^tbv_/);
    for (const replica of [0, 1]) {
      const answer = await call(`${USER}?openid=o-1`, {}, replica);
      expect(await answer.json()).toMatchObject({ openid: 'o-1' });
      expect(answer.headers.get('x-token-generation')).toMatch(/^\d+$/);
    }
  });

  it('upload and download byte for byte', async () => {
    const file = Buffer.from('\u0089PNG\r\n\0图', 'utf8');
    const form = new FormData();
    form.append('media', new Blob([file], { type: 'image/png' }), 'a.png');
    const uploaded = await call('/cgi-bin/media/upload?type=image', { method: 'POST', body: form });
    const { media_id } = (await uploaded.json()) as { media_id: string };
    const downloaded = await call(`/cgi-bin/media/get?media_id=${media_id}`, {}, 0);
    expect(Buffer.from(await downloaded.arrayBuffer())).toEqual(file);
    const echoed = await call('/cgi-bin/echo', {
      method: 'POST',
      body: new Blob([file]).stream(),
      duplex: 'half',
    });
    expect(Buffer.from(await echoed.arrayBuffer()).equals(file)).toBe(true);
  });

  it('of an SDK that does nothing about 40001 do not see it, as they do at the platform', async () => {
    const sdk = (accessToken: string, host: string) => {
      const token = () => Promise.resolve({ accessToken, expireTime: Date.now() + 600_000 });
      const neverFetches = () => Promise.reject(new Error('The package fetched a token by itself.'));
      const api = new WechatApi(SHOP.appId, '', token, neverFetches, true);
      api.prefix = `${host}/cgi-bin/`;
      return api;
    };
    const real = await world.replicas[0].token('shop');
    world.simulator.killToken({ appId: SHOP.appId });
    await expect(sdk(real, world.simulator.url).getUser('o-1')).rejects.toMatchObject({ code: 40001 });
    expect(await sdk(virtual, world.url).getUser('o-1')).toMatchObject({ openid: 'o-1' });
  });

  it.each([
    ['a reset', { reset: 'after' }, 200, 50002],
    ['a closed connection', { dropReply: true }, 200, 50002],
    ['no answer in time', { hang: true }, 200, 50002],
    ['503 that names a dead token', { body: { errcode: 40001 }, httpStatus: 503 }, 503, 40001],
  ] as const)(
    'are never sent twice after %s, and told from what was not sent',
    async (_, fault, status, errcode) => {
      const before = arrived(SEND);
      world.simulator.addFault({ path: SEND, times: 5, ...fault });
      const answer = await send();
      expect([answer.status, await answer.json()]).toMatchObject([status, { errcode }]);
      expect(arrived(SEND) - before).toBe(1);
    },
  );

  // prettier-ignore
  it.each([
    '/cgi-bin/../cgi-bin/echo', '/cgi-bin//echo', '/cgi-bin/./echo', '/cgi-bin/%2e%2e/token', '/cgi-bin/a%2fecho', '/cgi-bin/..\\token', '/cgi-bin/a%5cecho',
    '/cgi-bin/echo;x', '/cgi-bin/echo%00', '/cgi-bin/%zz', '/cgi-bin/%c0%ae%c0%ae/token', '/cgi-bin/%252e%252e/token', '/wxa/../cgi-bin/token', '/cgi-bin/echo#x',
  ])('are refused where the path can be read in two ways, and reach nobody: %s', async (path) => {
    const before = world.simulator.calls().counts.reduce((sum, { requests }) => sum + requests, 0);
    const connection = await BareConnection.to(world.replicas[1].url);
    connection.write(`GET ${path}?access_token=${virtual} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    await connection.closed;
    expect(connection.statuses).toEqual([400]);
    expect(world.simulator.calls().counts.reduce((sum, { requests }) => sum + requests, 0)).toBe(before);
  });

  it.each([
    ['GET', '/token?app=shop'],
    ['GET', '/token/events?app=shop'],
    ['POST', '/token/refresh'],
  ])('come from a client that gets no real token: %s %s', async (method, path) => {
    const answer = await fetch(world.url + path, {
      method,
      headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
      ...(method === 'POST' && { body: '{"app":"shop"}' }),
    });
    expect([answer.status, await answer.json()]).toMatchObject([403, { code: 'virtual_tokens_only' }]);
  });

  it('leave neither the virtual token nor the real one nor the key in a log, a metric or a trace', async () => {
    await call(`/cgi-bin/not/allowed?a=${virtual}`);
    await eventually('the spans of the calls', () => collector.bodies.join('').includes('/cgi-bin/*'));
    const shown = await Promise.all(
      world.replicas.map(async (replica) => replica.output() + (await replica.metrics())),
    );
    const secrets = { virtual, KEY, real: await world.replicas[0].token('shop') };
    expect(shown.join('').includes('gateway.call')).toBe(true);
    expect(shown.join('').includes('path="GET /cgi-bin/user/info",outcome="ok"')).toBe(true);
    expect(findLeaks([...shown, ...collector.bodies].join('\n'), secrets)).toEqual([]);
  });
});
