import { createTokenClient, type TokenClient } from '@access-token-broker/client';
import { Cluster } from './nemesis/cluster.js';
import { newApiKey, newApp } from './support/broker-config.js';
import { EventReader } from './support/event-reader.js';
import { eventually } from './support/eventually.js';
import { startWorld } from './support/start-world.js';

const SHOP = { name: 'shop', ...newApp() };
const KEY = newApiKey();
const keys = { orders: KEY };
const CLIENTS = 50;

describe('an event stream', () => {
  it('opens before there is a token, and brings it when it is there', async () => {
    let hold = '';
    const { simulator, broker } = await startWorld({
      apps: [SHOP],
      keys,
      before: (platform) => {
        hold = platform.addFault({ holdUntilReleased: true });
      },
    });
    const reader = await EventReader.open(`${broker.url}/token/events`, { key: KEY });
    expect(reader.received).toEqual([]);
    simulator.removeFault(hold);
    await eventually('the first token', () => reader.events.length === 1);

    const { body } = await broker.get('/token');
    expect(reader.events[0]).toMatchObject({ event: 'token', id: String(body.generation) });
    expect(reader.events[0]?.data).toMatchObject({ app: 'shop', access_token: body.access_token });
  }, 15_000);

  it('brings each new token once, and after a reconnect only what is newer', async () => {
    const { broker } = await startWorld({ apps: [SHOP], keys });
    await broker.ready();
    const url = `${broker.url}/token/events?app=shop`;
    const first = await EventReader.open(url, { key: KEY });
    await eventually('the current token', () => first.events.length === 1);
    await broker.post('/token/refresh', { force: true });
    await eventually('the second token', () => first.events.length === 2);
    first.close();

    const again = await EventReader.open(url, {
      key: KEY,
      lastEventId: first.generations.at(-1) ?? 0,
    });
    const { body } = await broker.post('/token/refresh', { force: true });
    await eventually('the third token', () => again.events.length === 1);
    expect(again.generations).toEqual([body.generation]);
    expect([...first.generations, ...again.generations]).toEqual(
      [...new Set([...first.generations, ...again.generations])].sort((a, b) => a - b),
    );
  }, 15_000);

  it('ends cleanly on SIGTERM, and holds nothing up', async () => {
    const { broker } = await startWorld({ apps: [SHOP], keys });
    await broker.ready();
    const readers = await Promise.all(
      Array.from({ length: 20 }, () => EventReader.open(`${broker.url}/token/events`, { key: KEY })),
    );
    await eventually('all have the token', () => readers.every(({ events }) => events.length === 1));
    const startMs = performance.now();
    broker.process.signal('SIGTERM');
    expect(await Promise.all(readers.map(({ ended }) => ended))).toEqual(readers.map(() => 'cleanly'));
    expect(await broker.process.ended).toBe(0);
    expect(performance.now() - startMs).toBeLessThan(5000);
  }, 20_000);
});

describe(`${String(CLIENTS)} clients of two replicas`, () => {
  const clients: TokenClient[] = [];
  let cluster: Cluster;

  beforeAll(async () => {
    cluster = await Cluster.create({
      replicas: 2,
      apps: [{ name: 'shop', grant: 'classic' }],
      logLevel: 'info',
      // No rotation but the forced ones. The platform lives in this process, which has 50 clients to serve.
      lifeSeconds: 600,
      refresh: { upstreamTimeoutSeconds: 5, leaseSeconds: 8 },
    });
    await cluster.start();
  }, 30_000);
  afterAll(async () => {
    for (const client of clients) client.close();
    await cluster.stop();
  });

  const rotated = (): number[] =>
    cluster.replicas
      .flatMap(({ output }) => output.match(/"token\.rotated".*?"generation":\d+/g) ?? [])
      .map((line) => Number(/\d+$/.exec(line)?.[0]))
      .sort((a, b) => a - b);

  const streamsOn = (index: number): number =>
    cluster.replica(index).output.match(/"events\.open"/g)?.length ?? 0;

  it('see every generation once and in order, although one replica is killed', async () => {
    const seen = Array.from({ length: CLIENTS }, (): number[] => []);
    for (const generations of seen) {
      const client = createTokenClient({
        url: cluster.replicas.map(({ url }) => url),
        apiKey: cluster.key,
        app: 'shop',
      });
      clients.push(client);
      client.subscribe((event) => {
        if (event.type === 'token') generations.push(event.generation);
      });
    }
    await Promise.all(clients.map((client) => client.get()));
    await eventually('all streams', () => streamsOn(0) + streamsOn(1) === CLIENTS);
    expect(Math.min(streamsOn(0), streamsOn(1))).toBeGreaterThan(0);

    const survivor = cluster.replica(1);
    const all = (generation: unknown): Promise<unknown> =>
      eventually('at every client', () => seen.every((generations) => generations.at(-1) === generation));
    const rotate = async (): Promise<unknown> => {
      const { status, body } = await survivor.post('/token/refresh', { app: 'shop', force: true });
      expect({ status, ...body }).toMatchObject({ status: 200, generation: expect.any(Number) as number });
      return body.generation;
    };

    await all(await rotate());
    const killed = cluster.replica(0).kill();
    await all(await rotate());
    await killed;
    await eventually('all streams on the other', () => streamsOn(1) >= CLIENTS);
    await all(await rotate());

    const generations = rotated();
    expect(generations).toHaveLength(4);
    for (const one of seen) expect(one).toEqual(generations);
    const tokens = await Promise.all(clients.map((client) => client.get()));
    expect(new Set(tokens)).toEqual(new Set([cluster.tokens(cluster.app('shop')).at(-1)?.token]));
  }, 40_000);
});
