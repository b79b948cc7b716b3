import { gatewayClient, newApiKey, newApp } from './support/broker-config.js';
import { eventually } from './support/eventually.js';
import { request } from './support/http-client.js';
import { startReplicas, type ReplicatedWorld } from './support/start-replicas.js';
import { startWorld, type World } from './support/start-world.js';

const SHOP = { name: 'shop', grant: 'classic' as const, ...newApp() };
const KEY = newApiKey();
const PROBE = '/cgi-bin/get_api_domain_ip';
const SEND = '/cgi-bin/message/custom/send';

const CALLER = gatewayClient('calls', KEY, [
  'GET /cgi-bin/user/info',
  'GET /cgi-bin/getcallbackip',
  'POST /cgi-bin/message/**',
  '* /cgi-bin/echo',
  '* /cgi-bin/media/*',
]);

describe('a call through the gateway', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld({
      apps: [SHOP],
      clients: [CALLER],
      sections: { gateway: { timeoutSeconds: 1 } },
    });
    await world.broker.ready();
  }, 60_000);

  afterEach(() => {
    world.simulator.clearFaults();
  });

  const call = (path: string, init: RequestInit = {}) =>
    fetch(`${world.broker.url}/gateway/shop${path}`, {
      ...init,
      headers: { authorization: `Bearer ${KEY}`, ...(init.headers as Record<string, string>) },
    });
  const send = () => call(SEND, { method: 'POST', body: '{"touser":"o1","msgtype":"text"}' });
  const arrived = (path: string) =>
    world.simulator.calls(SHOP.appId).counts.find((count) => count.path === path)?.requests ?? 0;

  it('gets what the platform answers, without ever having a token', async () => {
    const answer = await call('/cgi-bin/getcallbackip');
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ ip_list: expect.any(Array) as unknown });
    expect(answer.headers.get('content-type')).toBe('application/json; encoding=utf-8');
    expect(answer.headers.get('x-token-generation')).toMatch(/^\d+$/);
    expect(answer.headers.get('x-request-id')).toBeTruthy();
    expect(answer.headers.has('x-token-retried')).toBe(false);
  });

  it('is sent once more when the token has died, and its caller sees nothing of it', async () => {
    world.simulator.killToken({ appId: SHOP.appId });
    const before = arrived(SEND);
    const answer = await send();
    expect(await answer.json()).toEqual({ errcode: 0, errmsg: 'ok' });
    expect(answer.headers.get('x-token-retried')).toBe('1');
    expect(arrived(SEND) - before).toBe(2);
  });

  it('gets the refusal of the platform where the token lives, and is not sent again', async () => {
    const before = arrived(SEND);
    world.simulator.addFault({ path: SEND, errcode: 40001 });
    const answer = await send();
    expect(await answer.json()).toMatchObject({ errcode: 40001 });
    expect(arrived(SEND) - before).toBe(1);
  });

  it.each([
    ['a reset before the platform acts', { reset: 'before' }, 502, 'upstream_lost'],
    ['a reset after the platform has acted', { reset: 'after' }, 502, 'upstream_lost'],
    ['a closed connection', { dropReply: true }, 502, 'upstream_lost'],
    ['no answer in time', { hang: true }, 504, 'upstream_timeout'],
    ['500', { status: 500 }, 500, undefined],
    ['502', { status: 502 }, 502, undefined],
    ['503 that names a dead token', { body: { errcode: 40001 }, httpStatus: 503 }, 503, undefined],
  ] as const)('is never sent twice: %s', async (_, fault, status, code) => {
    const before = arrived(SEND);
    world.simulator.addFault({ path: SEND, times: 5, ...fault });
    const answer = await send();
    expect(answer.status).toBe(status);
    if (code !== undefined) expect(await answer.json()).toMatchObject({ code });
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(arrived(SEND) - before).toBe(1);
  });

  it('ends at the platform when its caller hangs up', async () => {
    const id = world.simulator.addFault({ path: '/cgi-bin/user/info', holdUntilReleased: true });
    const caller = new AbortController();
    const answer = call('/cgi-bin/user/info?openid=o1', { signal: caller.signal });
    await eventually('the call to arrive', () => arrived('/cgi-bin/user/info') > 0);
    caller.abort();
    await expect(answer).rejects.toThrow();
    await eventually('the call to be given up', async () =>
      (await world.broker.metrics()).includes('path="GET /cgi-bin/user/info",outcome="aborted"} 1'),
    );
    expect(await world.broker.metrics()).toContain('tokenbroker_gateway_in_flight{app="shop"} 0');
    world.simulator.removeFault(id);
  });
});

describe('a thousand calls at once that meet a dead token, on two replicas', () => {
  let world: ReplicatedWorld;

  beforeAll(async () => {
    world = await startReplicas({
      // On a busy machine the platform is slow to answer a try and a fetch among a thousand calls.
      apps: [{ ...SHOP, refresh: { upstreamTimeoutSeconds: 40, leaseSeconds: 45 } }],
      keys: { orders: newApiKey() },
      clients: [CALLER],
      sections: { gateway: { maxInFlightPerApp: 2000, timeoutSeconds: 30 } },
    });
  }, 60_000);

  it('cost one probe and one fetch, and all are answered, each sent at most twice', async () => {
    const { simulator, replicas } = world;
    const counts = () =>
      Object.fromEntries(simulator.calls(SHOP.appId).counts.map((one) => [one.path, one.requests]));
    const call = (index: number) =>
      request(`${replicas[index % 2]?.url ?? ''}/gateway/shop${SEND}?n=${index}`, {
        method: 'POST',
        key: KEY,
        body: { touser: `o${index}` },
      });
    // A replica tries a token that it finds in the store once before it uses it.
    for (const index of replicas.keys()) expect((await call(index)).body.errcode).toBe(0);
    simulator.killToken({ appId: SHOP.appId });
    const before = counts();
    const answers = await Promise.all(Array.from({ length: 1000 }, (_, index) => call(index)));
    expect(answers.filter(({ body }) => body.errcode !== 0).map(({ text }) => text)).toEqual([]);
    const after = counts();
    const since = (path: string) => (after[path] ?? 0) - (before[path] ?? 0);
    expect(since('/cgi-bin/token')).toBe(1);
    // A replica so busy that Redis seems away to it tries the token itself.
    const cutOff = replicas.filter((replica) => replica.output().includes('store.unavailable'));
    expect(since(PROBE)).toBeGreaterThan(0);
    expect(since(PROBE)).toBeLessThanOrEqual(1 + cutOff.length);
    const sent = since(SEND);
    expect(sent).toBeGreaterThan(1000);
    expect(sent).toBeLessThanOrEqual(2000);
    expect(answers.filter(({ headers }) => headers.has('x-token-retried'))).toHaveLength(sent - 1000);
  }, 60_000);
});
