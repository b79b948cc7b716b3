import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { newApiKey, newApp, brokerConfig } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { ConnectProxy } from './support/connect-proxy.js';
import { ConsoleClient } from './support/console-client.js';
import type { EventReader, ReceivedEvent } from './support/event-reader.js';
import { eventually } from './support/eventually.js';
import { JwtIssuerServer } from './support/jwt-issuer.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';
import { tempFile } from './support/temp-file.js';

type Fields = Readonly<Record<string, unknown>>;

const WITHIN_MS = 3000;
const client = (name: string, key: string, scopes: readonly string[]) => ({
  name,
  keySha256: [createHash('sha256').update(key).digest('hex')],
  apps: '*',
  scopes,
});

describe('the console over two replicas', () => {
  const keys = { orders: newApiKey(), ops: newApiKey(), viewer: newApiKey() };
  const [shop, blog] = [newApp(), newApp()];
  const encryptionKey = randomBytes(32).toString('base64');
  let simulator: WechatSimulator;
  let redis: RedisServer;
  let config: object;
  let first: BrokerProcess;
  let second: BrokerProcess;
  let ops: ConsoleClient;
  let stream: EventReader;

  /** The way out of the second replica. */
  let proxy: ConnectProxy;
  const listOf = (value: unknown): readonly Fields[] => value as readonly Fields[];
  const told = (event: string, isWanted: (data: Fields) => boolean): Promise<ReceivedEvent> =>
    eventually(
      `an event ${event}`,
      () => stream.events.find((one) => one.event === event && isWanted(one.data)),
      WITHIN_MS,
    );
  const row = async (app: string) => (await ops.get(`/apps/${app}`)).body.row as Fields;
  const replicas = (data: Fields) => listOf(data.replicas);

  beforeAll(async () => {
    simulator = await startPlatform({ apps: [shop, blog] });
    redis = await RedisServer.start();
    config = brokerConfig({
      apps: [
        { name: 'shop', ...shop, apiBaseUrl: simulator.url },
        { name: 'blog', ...blog, apiBaseUrl: simulator.url },
      ],
      keys: { orders: keys.orders },
      clients: [
        client('ops', keys.ops, ['console', 'console:act']),
        client('viewer', keys.viewer, ['console']),
      ],
      sections: {
        console: {},
        redis: { url: redis.url() },
        encryption: { keys: [{ id: 'k1', key: encryptionKey }] },
      },
    });
    proxy = await ConnectProxy.start();
    first = await startBroker({ config, key: keys.orders });
    await first.ready();
    second = await startBroker({ config: { ...config, egress: { proxy: proxy.url } }, key: keys.orders });
    await second.ready();
    ops = await ConsoleClient.signIn(first.url, keys.ops);
    stream = await ops.stream();
    await ops.get('/apps');
  });

  it('opens a session of one replica on the other', async () => {
    const cookie = (await ops.enter(keys.ops)).headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/; Path=\/console; Max-Age=28800; HttpOnly; SameSite=Strict$/);
    const answer = await fetch(`${second.url}/console/api/session`, { headers: { cookie } });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      expect.objectContaining({ client: 'ops', can_act: true }),
    ]);
  });

  it('shows a forced refresh of one replica to those who look at the other, with who did it and why', async () => {
    const before = await row('shop');
    const there = await ConsoleClient.signIn(second.url, keys.ops);
    const { status, body } = await there.post('/apps/shop/refresh', { reason: 'it leaked into a log' });
    expect([status, body.result]).toEqual([200, 'rotated']);
    const changed = await told(
      'app',
      ({ app, generation }) => app === 'shop' && generation === body.generation,
    );
    expect(changed.data).toMatchObject({ state: 'ok', forced_today: 1 });
    expect(body.generation).not.toBe(before.generation);
    const event = await told('history', ({ kind }) => kind === 'forced');
    expect(event.data).toMatchObject({
      app: 'shop',
      caller: 'ops',
      reason: 'it leaked into a log',
      result: 'rotated',
    });
    const { body: history } = await ops.get('/apps/shop/history');
    expect(listOf(history.events).slice(0, 2)).toEqual([
      expect.objectContaining({ kind: 'forced', id: event.data.id }),
      expect.objectContaining({ kind: 'rotated', reason: 'force', generation: body.generation }),
    ]);
    const audited = second.logs().find(({ event }) => event === 'token.force');
    expect(audited).toMatchObject({
      client: 'ops',
      app: 'shop',
      note: 'it leaked into a log',
      reason: 'rotated',
    });
  });

  it('tries a token, and has a dead one replaced', async () => {
    expect((await ops.post('/apps/blog/probe')).body).toMatchObject({ outcome: 'alive' });
    simulator.killToken({ appId: blog.appId });
    const before = await row('blog');
    expect((await ops.post('/apps/blog/probe')).body).toMatchObject({ outcome: 'dead' });
    await told('app', ({ app, generation }) => app === 'blog' && generation !== before.generation);
    const rotated = await told('history', ({ app, kind }) => app === 'blog' && kind === 'rotated');
    expect(rotated.data).toMatchObject({ reason: 'report' });
    await told(
      'history',
      ({ app, kind, caller }) => app === 'blog' && kind === 'reported' && caller === 'ops',
    );
  });

  it('lets whoever may only look do nothing', async () => {
    const viewer = await ConsoleClient.signIn(first.url, keys.viewer);
    const calls = simulator.calls().log.length;
    const answers = [
      await viewer.post('/apps/shop/probe'),
      await viewer.post('/apps/shop/refresh', { reason: 'because' }),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [403, 'forbidden'],
      [403, 'forbidden'],
    ]);
    expect(simulator.calls().log).toHaveLength(calls);
  });

  it('counts who uses an app on all replicas', async () => {
    await first.token('blog');
    await second.token('blog');
    await second.token('blog');
    const orders = await eventually('the reads of both', async () => {
      const { callers } = (await ops.get('/apps/blog')).body;
      return listOf(callers).find((one) => one.client === 'orders' && one.reads === 3);
    });
    expect(orders).toMatchObject({ reports: 0, last_read_at: expect.stringMatching(/Z$/) as string });
  });

  it('says on one replica that the other cannot reach a platform, until it can', async () => {
    const { host } = new URL(simulator.url);
    const platform = (data: Fields) => listOf(data.platforms).find((one) => one.host === host);
    const system = (await ops.get('/system')).body;
    expect(platform(system)).toMatchObject({ ok: true, unreachable_from: [], apps: 2 });
    const other = replicas(system).find(({ id }) => id !== system.replica)?.id;
    const there = await ConsoleClient.signIn(second.url, keys.ops);
    proxy.mood = 403;
    await there.post('/apps/shop/refresh', { reason: 'a drill' });
    const lost = await told('system', (data) => platform(data)?.ok === false);
    expect(platform(lost.data)).toMatchObject({
      unreachable_from: [other],
      failing_apps: 1,
      remedy: expect.stringMatching(/^The proxy does not let the broker reach this host/) as string,
    });
    proxy.mood = 'open';
    // The way to the platform is not tried within a second of the last failure.
    await eventually('a token', async () => {
      const { body } = await there.post('/apps/shop/refresh', { reason: 'the drill is over' });
      if (body.generation === null) await sleep(300);
      return body.generation !== null;
    });
    await eventually('reached again', async () => platform((await ops.get('/system')).body)?.ok === true);
  });

  it('says of each caller what it did on all replicas, and where its key was used last, though that replica is gone', async () => {
    const third = await startBroker({ config, key: keys.orders });
    await third.ready();
    const { replica } = (await (await ConsoleClient.signIn(third.url, keys.ops)).get('/system')).body;
    const orders = async () =>
      listOf((await ops.get('/callers')).body.items).find(({ client }) => client === 'orders') ?? {};
    const before = Number((await orders()).reads);
    expect(before).toBeGreaterThanOrEqual(3);
    await first.token('shop');
    for (let i = 0; i < 3; i += 1) await third.token('shop');
    await third.get('/token?app=nothing');
    const isTold = async () => {
      const told = await orders();
      return told.reads === before + 4 && told;
    };
    const all = await eventually('the reads of all', isTold);
    expect(all).toMatchObject({ last_used_on: replica, keys: [{ kind: 'key', last_used_on: replica }] });
    const { last_used_at } = all;
    await third.stop();
    await eventually('one less', async () => replicas((await ops.get('/system')).body).length === 2);
    expect(await orders()).toMatchObject({ last_used_at, last_used_on: replica });
  });

  it('says within 3 s that a replica is gone, and that the store is', async () => {
    const { replica } = (await ops.get('/system')).body;
    await eventually('both replicas', async () => replicas((await ops.get('/system')).body).length === 2);
    await second.kill();
    const gone = await told('system', (data) => replicas(data).some(({ is_gone }) => is_gone === true));
    expect(replicas(gone.data).map(({ id, is_gone }) => [id === replica, is_gone])).toEqual([
      [true, false],
      [false, true],
    ]);
    await redis.stop();
    const lost = await told('system', ({ store }) => (store as Fields).ok === false);
    expect(lost.data.store).toMatchObject({
      kind: 'redis',
      message: expect.stringMatching(/Redis/) as string,
    });
  });

  it('has shown no token, secret or key', () => {
    const shown = [...ops.seen, ...stream.received.map(({ text }) => text)].join('\n');
    const secrets = [
      ...simulator.tokens().map(({ token }) => token),
      shop.appSecret,
      blog.appSecret,
      ...Object.values(keys),
      encryptionKey,
    ];
    expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    expect(shown).toContain(shop.appId);
  });
});

describe('a session at the console that began with a JWT', () => {
  const configFile = tempFile('');
  let issuer: JwtIssuerServer;
  let broker: BrokerProcess;

  const configure = (subjects: readonly string[]): void => {
    const operators = {
      name: 'operators',
      subjects: subjects.map((sub) => ({ sub })),
      apps: '*',
      scopes: ['console'],
    };
    const { jwksUri } = issuer;
    const sections = {
      console: {},
      identities: { jwt: [{ issuer: issuer.issuer, audience: 'broker', jwksUri }] },
    };
    const apps = [{ name: 'shop', ...newApp(), apiBaseUrl: 'http://127.0.0.1:9' }];
    const config = brokerConfig({ apps, keys: { orders: newApiKey() }, clients: [operators], sections });
    writeFileSync(configFile, JSON.stringify(config));
  };
  /** One that opens something for so long: the broker grants clocks that are half a minute late. */
  const jwt = (sub: string, forMs: number) =>
    issuer.sign(Date.now(), { sub, iat: 0, exp: Math.ceil((Date.now() - 30_000 + forMs) / 1000) });

  beforeAll(async () => {
    issuer = await JwtIssuerServer.start();
    configure(['amy', 'bob']);
    broker = await startBroker({ env: { BROKER_CONFIG: configFile } });
  });
  afterAll(() => issuer.stop());

  it('ends with the JWT, with its open streams', async () => {
    const ops = new ConsoleClient(broker.url);
    const { status, body } = await ops.enter(await jwt('amy', 1500));
    expect([status, body.client]).toEqual([200, 'operators']);
    expect(Date.parse(String(body.expires_at)) - Date.now()).toBeLessThanOrEqual(2500);
    const stream = await ops.stream();
    expect((await ops.get('/apps')).status).toBe(200);
    expect(await stream.ended).toBe('cleanly');
    expect(stream.events.at(-1)).toMatchObject({ event: 'session_ended', data: { why: 'expired' } });
    expect((await ops.get('/apps')).status).toBe(401);
  });

  it('ends when its subject is taken out of the configuration, and no other does', async () => {
    const [amy, bob] = [new ConsoleClient(broker.url), new ConsoleClient(broker.url)];
    await amy.enter(await jwt('amy', 60_000));
    await bob.enter(await jwt('bob', 60_000));
    const stream = await amy.stream();
    configure(['bob']);
    expect(await stream.ended).toBe('cleanly');
    expect(stream.events.at(-1)).toMatchObject({ event: 'session_ended', data: { why: 'key_removed' } });
    expect([(await amy.get('/apps')).status, (await bob.get('/apps')).status]).toEqual([401, 200]);
  });

  it.each([
    ['of another audience', { aud: 'billing' }, 'jwt_wrong_audience'],
    ['of nobody', { sub: 'eve' }, 'jwt_unknown_subject'],
    ['that is over', { iat: 1_700_000_000, exp: 1_700_000_600 }, 'jwt_expired'],
  ])('does not begin with one %s', async (_which, claims, code) => {
    const { status, headers, body } = await new ConsoleClient(broker.url).enter(
      await issuer.sign(Date.now(), { sub: 'bob', ...claims }),
    );
    expect([status, body.code, headers.get('set-cookie')]).toEqual([401, code, null]);
  });
});
