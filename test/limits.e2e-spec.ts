import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { EventReader } from './support/event-reader.js';
import { eventually } from './support/eventually.js';
import { startPlatform } from './support/start-platform.js';

const keys = { orders: newApiKey(), mailer: newApiKey() };
const CONNECTIONS = 40;

describe('each limit names itself in the answer, in one line, and in a metric', () => {
  let broker: BrokerProcess;
  const silent = createServer(() => undefined);

  beforeAll(async () => {
    const shop = newApp();
    const platform = await startPlatform({ apps: [shop] });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const silentUrl = `http://127.0.0.1:${String((silent.address() as AddressInfo).port)}`;
    const config = brokerConfig({
      apps: [
        { name: 'shop', ...shop, apiBaseUrl: platform.url },
        { name: 'hangs', ...newApp(), apiBaseUrl: silentUrl, refresh: { upstreamTimeoutSeconds: 3 } },
      ],
      keys,
      sections: {
        rate: { requestsPerSecond: 1, burst: 10 },
        auth: { failuresPerMinute: 3 },
        limits: {
          streamsPerClient: 1,
          requestsInFlightPerClient: 2,
          connectionsPerAddress: CONNECTIONS,
        },
      },
    });
    broker = await startBroker({ config });
    const served = async () => (await broker.get('/health/ready')).text.includes('"app":"shop","state":"ok"');
    await eventually('a token', served);
  });
  afterAll(() => {
    silent.closeAllConnections();
    silent.close();
  });

  const token = (key: string, app = 'shop') => broker.get(`/token?app=${app}`, key);

  /** One line, however many were refused. */
  async function isTold(limit: string, refusals: number, who: object): Promise<void> {
    const lines = () =>
      broker.logs().filter((line) => line.event === 'http.overloaded' && line.limit === limit);
    await eventually('a line', () => lines().length > 0);
    expect(lines()).toMatchObject([who]);
    const [, count] =
      new RegExp(`overload_total{limit="${limit}"} (\\d+)`).exec(await broker.metrics()) ?? [];
    expect(Number(count)).toBeGreaterThanOrEqual(refusals);
  }

  it('event streams of a client', async () => {
    const stream = await EventReader.open(`${broker.url}/token/events?app=shop`, { key: keys.orders });
    for (let i = 0; i < 2; i += 1) {
      const refused = await broker.get('/token/events?app=shop', keys.orders);
      expect(refused).toMatchObject({ status: 429, body: { limit: 'client_streams' } });
      expect(refused.headers.get('retry-after')).toBe('30');
    }
    await isTold('client_streams', 2, { client: 'orders' });
    expect(stream).toBeDefined();
  });

  it('requests of a client that are under way', async () => {
    const waiting = [token(keys.mailer, 'hangs'), token(keys.mailer, 'hangs')];
    const refused = await eventually('a refusal', async () => {
      const answer = await token(keys.mailer);
      return answer.status === 429 && answer;
    });
    expect(refused.body).toMatchObject({ code: 'too_many_requests', limit: 'client_in_flight' });
    expect(refused.headers.get('retry-after')).toBe('1');
    expect((await token(keys.orders)).status).toBe(200);
    await isTold('client_in_flight', 1, { client: 'mailer' });
    await Promise.all(waiting);
  });

  it('requests of a client within a second', async () => {
    const refused = await eventually('a refusal', async () => {
      const answer = await token(keys.orders);
      return answer.status === 429 && answer;
    });
    expect(refused.body).toMatchObject({ code: 'rate_limited', limit: 'client_rate', retry_after: 1 });
    expect(refused.headers.get('retry-after')).toBe('1');
    await isTold('client_rate', 1, { client: 'orders' });
  });

  it('what a client sends beyond its rate on and on waits, and nobody else does', async () => {
    const flood = await Promise.all(Array.from({ length: 25 }, () => token(keys.orders)));
    expect(flood.filter(({ status }) => status !== 429 && status !== 200)).toEqual([]);
    expect((await token(keys.mailer)).status).toBe(200);
    await isTold('client_held', 1, { client: 'orders' });
    await isTold('client_rate', 10, { client: 'orders' });
  });

  it('wrong keys of an address, while a right key of the same address is served', async () => {
    const statuses = [];
    for (let i = 0; i < 5; i += 1) statuses.push((await token(newApiKey())).status);
    expect(statuses).toEqual([401, 401, 401, 429, 429]);
    const refused = await token(newApiKey());
    expect(refused.body).toMatchObject({ code: 'rate_limited', limit: 'bad_keys' });
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await token(keys.mailer)).status).toBe(200);
    await isTold('bad_keys', 3, { remote: '127.0.0.1' });
  });

  it('connections of an address', async () => {
    const port = Number(new URL(broker.url).port);
    const open: Socket[] = [];
    for (let i = 0; i < CONNECTIONS; i += 1) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      open.push(socket);
    }
    const refused = connect(port, '127.0.0.1');
    let answer = '';
    refused.on('data', (data) => (answer += String(data)));
    await once(refused, 'close');
    expect(answer).toMatch(/^HTTP\/1\.1 503 [^]*retry-after: \d+\r\n[^]*"limit":"address_connections"/i);
    for (const socket of open) socket.destroy();
    await isTold('address_connections', 1, { remote: '127.0.0.1' });
  });
});
