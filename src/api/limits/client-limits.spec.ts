import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { eventually } from '../../../test/support/eventually.js';
import type { HeldToken } from '../../core/token.js';
import { maxOpenFiles, withinOpenFiles } from './connection-limits.js';

describe('Limits of clients', () => {
  let edge: Edge;
  let url: string;
  beforeEach(async () => {
    edge = await createEdge({
      clients: [
        apiClient('busy', { rate: { requestsPerSecond: 2, burst: 3 }, scopes: ['token:read'] }),
        apiClient('orders'),
      ],
      auth: { failuresPerMinute: 4 },
      limits: { streamsPerClient: 2, requestsInFlightPerClient: 3, connectionsPerAddress: 8 },
    });
    for (const app of ['shop', 'blog']) edge.broker.tokens.set(app, heldToken(7, 7_000_500));
    await edge.app.listen(0, '127.0.0.1');
    url = `http://127.0.0.1:${String((edge.app.getHttpServer().address() as AddressInfo).port)}`;
  });
  afterEach(() => edge.app.close());

  const asks = (path: string, key: string) =>
    fetch(url + path, { headers: { authorization: `Bearer ${key}` } });
  const open = async (path: string, client: string): Promise<IncomingMessage> => {
    const request = get(url + path, { headers: { authorization: `Bearer ${keyOf(client)}` } });
    request.on('error', () => undefined);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return response;
  };

  it('answer 429 with the limit and when to come again, by the short cut and all routes together', async () => {
    const paths = ['/token?app=shop', '/apps', '/token?app=shop&min_generation=1'];
    for (const path of paths) expect((await asks(path, keyOf('busy'))).status).toBe(200);
    for (const path of paths) {
      const refused = await asks(path, keyOf('busy'));
      expect(refused.status).toBe(429);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await refused.json()).toMatchObject({
        code: 'rate_limited',
        limit: 'client_rate',
        retry_after: 1,
      });
    }
    expect((await asks('/token?app=shop', keyOf('orders'))).status).toBe(200);
    edge.clock.pass(500);
    expect((await asks('/token?app=shop', keyOf('busy'))).status).toBe(200);
    expect(edge.observer.overloads).toEqual(paths.map(() => 'client_rate 127.0.0.1 busy'));
  });

  describe('of a client that sends on and on', () => {
    const headersOf = ({ headers }: Response) =>
      Object.fromEntries([...headers].filter(([name]) => name !== 'x-request-id' && name !== 'date'));
    /** Its rate is used up, and so are the refusals that are answered at once. */
    beforeEach(async () => {
      for (let i = 0; i < 3; i += 1) await asks('/token?app=shop', keyOf('busy'));
      for (let i = 0; i < 11; i += 1) await asks('/apps', keyOf('busy'));
    });

    it('hold its requests back, and answer them by the short cut as the route does', async () => {
      const refused = await asks('/apps', keyOf('busy'));
      const calls = Array.from({ length: 2 }, async () => {
        const answer = await asks('/token?app=shop', keyOf('busy'));
        return [answer.status, headersOf(answer), await answer.text()];
      });
      await eventually('both held', () => edge.held.count === 2);
      expect((await asks('/token?app=shop', keyOf('orders'))).status).toBe(200);
      edge.observer.requests.length = 0;
      edge.clock.pass(2);
      expect(edge.held.count).toBe(1);
      edge.clock.pass(2);
      await eventually('the other in a turn of its own', () => edge.held.count === 0);
      const asByTheRoute = [refused.status, headersOf(refused), await refused.text()];
      expect(await Promise.all(calls)).toEqual([asByTheRoute, asByTheRoute]);
      expect(edge.observer.requests).toEqual(['GET /token 429', 'GET /token 429']);
      expect(edge.observer.overloads.filter((line) => line === 'client_rate 127.0.0.1 busy')).toHaveLength(
        14,
      );
    });

    it('serve those that are held when its rate allows it by then, whatever the route', async () => {
      edge.clock.pass(999);
      await asks('/apps', keyOf('orders'));
      const calls = ['/token?app=shop', '/apps', '/token?app=shop'].map((path) => asks(path, keyOf('busy')));
      await eventually('two held', () => edge.held.count === 2);
      edge.clock.pass(5);
      expect((await Promise.all(calls)).map(({ status }) => status).sort()).toEqual([200, 200, 429]);
    });

    it('let it be once it had neither a refusal nor to wait for a second', async () => {
      edge.clock.pass(1000);
      const calls = [1, 2, 3, 4].map(() => asks('/token?app=shop', keyOf('busy')));
      expect((await Promise.all(calls)).map(({ status }) => status).sort()).toEqual([200, 200, 429, 429]);
    });

    it('forget a request whose caller went away', async () => {
      const server = edge.app.getHttpServer();
      const connections = () =>
        new Promise((resolve) => {
          server.getConnections((_, count) => {
            resolve(count);
          });
        });
      const before = await connections();
      await asks('/apps', keyOf('busy'));
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.write(`GET /apps HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${keyOf('busy')}\r\n\r\n`);
      await eventually('held', () => edge.held.count === 1);
      socket.destroy();
      await eventually('gone', async () => (await connections()) === before);
      edge.observer.requests.length = 0;
      edge.clock.pass(100);
      expect(edge.held.count).toBe(0);
      expect(edge.observer.requests).toEqual([]);
    });

    it('hold no large body in memory', async () => {
      await asks('/apps', keyOf('busy'));
      const body = JSON.stringify({ app: 'shop', errcode: 40001, note: 'x'.repeat(5000) });
      const headers = { authorization: `Bearer ${keyOf('busy')}`, 'content-type': 'application/json' };
      const refused = await fetch(`${url}/token/refresh`, { method: 'POST', headers, body });
      expect(refused.status).toBe(429);
    });
  });

  it('hold wrong keys of an address back that sent too many, and no right ones', async () => {
    for (let i = 0; i < 6; i += 1) await asks('/token?app=shop', 'wrong');
    const wrong = asks('/token?app=shop', 'wrong');
    await eventually('held', () => edge.held.count === 1);
    expect((await asks('/token?app=shop', keyOf('orders'))).status).toBe(200);
    edge.clock.pass(100);
    expect((await wrong).status).toBe(429);
  });

  it('answer in the words of WeChat, WeCom and OAuth 2.0 where those are spoken', async () => {
    for (let i = 0; i < 3; i += 1) await asks('/token?app=shop', keyOf('busy'));
    const { appId } = edge.broker.status('shop');
    const wechat = await asks(
      `/cgi-bin/token?grant_type=client_credential&appid=${appId}&secret=${keyOf('busy')}`,
      '',
    );
    expect(await wechat.json()).toMatchObject({
      errcode: 45011,
      errmsg: expect.stringContaining('rate_limited') as unknown,
    });
    const wecom = await asks(`/cgi-bin/gettoken?corpid=any&corpsecret=${keyOf('busy')}`, '');
    expect(await wecom.json()).toMatchObject({ errcode: 45009 });
    const oauth2 = await fetch(`${url}/oauth2/token`, {
      method: 'POST',
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: 'shop',
        client_secret: keyOf('busy'),
      }),
    });
    expect([oauth2.status, await oauth2.json()]).toMatchObject([
      429,
      { error: 'temporarily_unavailable', code: 'rate_limited' },
    ]);
  });

  it('turn away wrong keys of an address that sent too many, and serve right ones of it', async () => {
    for (let i = 0; i < 4; i += 1) expect((await asks('/token?app=shop', 'wrong')).status).toBe(401);
    const refused = await asks('/token?app=shop', 'wrong');
    expect([refused.status, await refused.json()]).toMatchObject([
      429,
      { code: 'rate_limited', limit: 'bad_keys', retry_after: 15 },
    ]);
    expect((await asks('/token?app=shop', keyOf('orders'))).status).toBe(200);
    expect((await fetch(`${url}/token`)).status).toBe(401);
    expect(edge.audit.entries.filter(({ action }) => action === 'access.refused')).toHaveLength(6);
  });

  it('bound the event streams of a client, and let it open another when one ended', async () => {
    const streams = [
      await open('/token/events?app=shop', 'orders'),
      await open('/token/events?app=shop', 'orders'),
    ];
    const refused = await asks('/token/events?app=shop', keyOf('orders'));
    expect([refused.status, await refused.json()]).toMatchObject([
      429,
      { code: 'too_many_requests', limit: 'client_streams' },
    ]);
    streams[0]?.destroy();
    await eventually('a stream again', async () => {
      const again = await open('/token/events?app=shop', 'orders');
      const { statusCode } = again;
      streams.push(again);
      return statusCode === 200;
    });
    for (const stream of streams) stream.destroy();
  });

  it('bound the requests of a client that are under way, and nobody else', async () => {
    let give: (held: HeldToken) => void = () => undefined;
    const awaited = new Promise<HeldToken>((resolve) => (give = resolve));
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () => awaited as unknown as HeldToken;
    const calls = Array.from({ length: 3 }, () => asks('/token?app=shop', keyOf('orders')).catch(() => null));
    await eventually('all waiting', () => edge.broker.waits.length === 3);
    const refused = await asks('/token?app=shop', keyOf('orders'));
    expect([refused.status, await refused.json()]).toMatchObject([
      429,
      { code: 'too_many_requests', limit: 'client_in_flight' },
    ]);
    expect((await asks('/apps', keyOf('busy'))).status).toBe(200);
    give(heldToken(7, 7_000_500));
    await Promise.all(calls);
    expect((await asks('/apps', keyOf('orders'))).status).toBe(200);
  });

  it('refuse further connections of an address, with an answer that says so', async () => {
    const { port } = new URL(url);
    const sockets = Array.from({ length: 8 }, () => connect(Number(port), '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const ninth = connect(Number(port), '127.0.0.1');
    let answer = '';
    ninth.on('data', (data) => (answer += String(data)));
    await once(ninth, 'close');
    expect(answer).toContain('HTTP/1.1 503');
    expect(answer).toContain('"limit":"address_connections"');
    for (const socket of sockets) socket.destroy();
    await eventually(
      'room again',
      async () => (await asks('/apps', keyOf('orders')).catch(() => null))?.status === 200,
    );
  });

  it('leave files for what is not a connection, and half of the connections to other addresses', () => {
    const wanted = { connections: 10_000, connectionsPerAddress: 5000 };
    expect(withinOpenFiles(wanted, Infinity)).toEqual(wanted);
    expect(withinOpenFiles(wanted, 1024)).toEqual({ connections: 824, connectionsPerAddress: 412 });
    expect(maxOpenFiles()).toBeGreaterThan(0);
  });
});
