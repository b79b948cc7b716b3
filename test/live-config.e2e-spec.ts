import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp, type AppOptions } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { EventReader } from './support/event-reader.js';
import { eventually } from './support/eventually.js';
import { startPlatform } from './support/start-platform.js';

/** What the file says, and what it says only sometimes. */
interface Settings {
  readonly apps: readonly AppOptions[];
  readonly keys: Readonly<Record<string, string>>;
  readonly server?: Readonly<Record<string, unknown>>;
  readonly sections?: Readonly<Record<string, unknown>>;
  readonly clients?: readonly object[];
}

const WITHIN_MS = 2000;

describe('the configuration, changed while the broker runs', () => {
  const keys = { orders: newApiKey(), mailer: newApiKey() };
  const [shop, blog, mail] = [newApp(), newApp(), newApp()];
  let folder: string;
  let simulator: WechatSimulator;
  let broker: BrokerProcess;
  let base: Settings;
  let versions = 0;

  /** As the kubelet does: a new folder, and a link to it that is swapped at once. */
  function write(text: string): void {
    versions += 1;
    const version = `..v${String(versions)}`;
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'broker.yaml'), text);
    symlinkSync(version, join(folder, '..data_tmp'));
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
  }

  const change = (changes: Partial<Settings>): void => {
    write(JSON.stringify(brokerConfig({ ...base, ...changes })));
  };

  const soon = <T>(what: string, find: () => Promise<T | undefined | false>): Promise<T> =>
    eventually(what, find, WITHIN_MS);

  const statusFor = async (key: string, path = '/token?app=shop') => (await broker.get(path, key)).status;
  const configStatus = async () => (await broker.get('/config/status')).body;
  const state = (app: string) =>
    broker.get('/apps').then(({ text }) => {
      const apps = JSON.parse(text) as readonly Readonly<Record<string, unknown>>[];
      return apps.find((one) => one.app === app);
    });
  const option = (name: string, app: typeof shop, more: Partial<AppOptions> = {}): AppOptions => ({
    name,
    ...app,
    apiBaseUrl: simulator.url,
    ...more,
  });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'live-config-'));
    simulator = await startPlatform({ apps: [shop, blog, mail] });
    // A key that is not known yet is tried again and again.
    const sections = { auth: { failuresPerMinute: 100_000 } };
    base = { apps: [option('shop', shop), option('blog', blog)], keys, sections };
    change({});
    symlinkSync('..data/broker.yaml', join(folder, 'broker.yaml'));
    broker = await startBroker({ env: { BROKER_CONFIG: join(folder, 'broker.yaml') }, key: keys.orders });
    await broker.ready();
  });

  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  afterEach(async () => {
    change({});
    await soon('the first configuration again', async () => {
      const [{ ok, restart_required: waiting }, blogs] = [await configStatus(), await state('blog')];
      return (
        ok === true && String(waiting) === '' && blogs !== undefined && (await statusFor(keys.mailer)) === 200
      );
    });
  });

  it('bounds a client by its new rate, and the audit stream says who may what', async () => {
    change({ sections: { ...base.sections, rate: { requestsPerSecond: 1, burst: 2 } } });
    const refused = await soon('a refusal', async () => {
      const answer = await broker.get('/token?app=shop', keys.mailer);
      return answer.status === 429 && answer;
    });
    expect(refused.body).toMatchObject({ code: 'rate_limited', limit: 'client_rate' });
    const audited = broker.logs().filter(({ event }) => event === 'audit.config');
    expect(audited.length).toBeGreaterThan(1);
    expect(audited.at(-1)).toMatchObject({ clients: [{ name: 'orders' }, { name: 'mailer' }] });
    change({});
    await soon('no refusal', async () => {
      const asked = await Promise.all(Array.from({ length: 5 }, () => statusFor(keys.mailer)));
      return asked.every((status) => status === 200);
    });
  });

  it('shows of each app what metrics.perApp says, and all of them together', async () => {
    const metrics = async () => (await broker.get('/metrics')).text;
    expect(await metrics()).toContain('app="shop"');
    change({ sections: { ...base.sections, metrics: { perApp: 'none' } } });
    await soon('sums alone', async () => !(await metrics()).includes('app="'));
    expect(await metrics()).toMatch(/^tokenbroker_upstream_fetches_total\{outcome="issued"\} [1-9]/m);
    change({});
    await soon('each app again', async () => (await metrics()).includes('app="shop"'));
  });

  it('knows a new caller at once, and a removed one no more: its stream ends, and no other', async () => {
    const newcomer = newApiKey();
    const [kept, ended] = await Promise.all(
      [keys.orders, keys.mailer].map((key) =>
        EventReader.open(`${broker.url}/token/events?app=shop`, { key }),
      ),
    );
    change({ keys: { orders: keys.orders, newcomer } });
    await soon('the newcomer served', async () => (await statusFor(newcomer)) === 200);
    expect(await statusFor(keys.mailer)).toBe(401);
    expect(await ended?.ended).toBe('cleanly');
    expect(await Promise.race([kept?.ended, sleep(100, 'open')])).toBe('open');
  });

  it('serves a new app, and one that is gone no more, without a fetch for the others', async () => {
    const before = simulator.calls(shop.appId).fetches;
    const follower = await EventReader.open(`${broker.url}/token/events?app=blog`, { key: keys.orders });
    change({ apps: [option('shop', shop), option('mail', mail)] });
    await soon('the new app served', async () => (await statusFor(keys.orders, '/token?app=mail')) === 200);
    expect(await statusFor(keys.orders, '/token?app=blog')).toBe(404);
    expect(await follower.ended).toBe('cleanly');
    expect((await broker.get('/health/ready')).status).toBe(200);
    const shown = (await broker.metrics()).split('\n').filter((line) => line.includes('app="blog"'));
    expect(shown).toEqual([]);
    expect(simulator.calls(shop.appId).fetches).toBe(before);
    expect(simulator.calls(mail.appId).fetches).toBe(1);
  });

  it('ends a key at its time: its stream ends, and it is told why it opens nothing', async () => {
    const ending = newApiKey();
    const sha256 = createHash('sha256').update(ending).digest('hex');
    const expiresAt = new Date(Date.now() + 2500).toISOString();
    change({
      clients: [{ name: 'ending', keys: [{ sha256, expiresAt }], apps: '*', scopes: ['token:read'] }],
    });
    await soon('the key known', async () => (await statusFor(ending)) === 200);
    const stream = await EventReader.open(`${broker.url}/token/events?app=shop`, { key: ending });
    expect(await stream.ended).toBe('cleanly');
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(expiresAt));
    expect((await broker.get('/token?app=shop', ending)).body).toMatchObject({ code: 'key_expired' });
    const told = broker.logs().flatMap(({ event, client }) => (client === 'ending' ? [event] : []));
    expect(told.filter((event) => String(event).startsWith('key.'))).toEqual([
      'key.expires_soon',
      'key.expired',
    ]);
  });

  it('takes other times of refresh over, and keeps the token', async () => {
    const [token, old] = [await broker.token('shop'), await state('shop')];
    change({ apps: [option('shop', shop, { refresh: { aheadSeconds: 3000 } }), option('blog', blog)] });
    await soon('another time', async () => (await state('shop'))?.next_refresh_at !== old?.next_refresh_at);
    const now = await state('shop');
    expect(Date.parse(String(now?.expires_at)) - Date.parse(String(now?.next_refresh_at))).toBeCloseTo(
      3_000_000,
      -2,
    );
    expect(await broker.token('shop')).toBe(token);
  });

  it('tries another AppSecret at once', async () => {
    const secret = newApp().appSecret;
    simulator.resetSecret(secret, shop.appId);
    const before = simulator.calls(shop.appId).fetches;
    change({ apps: [option('shop', { ...shop, appSecret: secret }), option('blog', blog)] });
    await soon('a fetch with it', async () => Promise.resolve(simulator.calls(shop.appId).fetches > before));
    simulator.resetSecret(shop.appSecret, shop.appId);
  });

  it('says what waits for a restart, and takes over the rest', async () => {
    const newcomer = newApiKey();
    change({ keys: { ...keys, newcomer }, server: { logLevel: 'debug', drainSeconds: 1 } });
    await soon('the newcomer served', async () => (await statusFor(newcomer)) === 200);
    const waiting = ['server.logLevel', 'server.drainSeconds'];
    expect(await configStatus()).toMatchObject({ ok: true, faults: [], restart_required: waiting });
    const { headers } = await broker.get('/apps');
    expect(headers.get('x-config-status')).toBe('restart_required: server.logLevel, server.drainSeconds');
    expect(broker.logs().filter(({ event }) => event === 'config.restart_required')).toMatchObject([
      { paths: waiting },
    ]);
  });

  it.each([
    ['no YAML', '{"apps": ['],
    ['an empty file', ''],
    ['zeros, as after a crash of the machine', '\0'.repeat(500)],
    ['an unknown key', JSON.stringify({ apps: [], clients: [], colour: 'red' })],
  ])('changes nothing for %s, names the fault, and takes the next good file', async (_what, text) => {
    const { sha256 } = await configStatus();
    write(text);
    const faulty = await soon('the fault', async () => {
      const status = await configStatus();
      return status.ok === false && status;
    });
    expect(faulty).toMatchObject({ sha256, faults: expect.arrayContaining([expect.any(String)]) });
    const { headers } = await broker.get('/apps');
    expect(headers.get('x-config-status')).toMatch(/^faulty: /);
    expect(await broker.metrics()).toContain('tokenbroker_config_last_reload_successful 0\n');
    expect(await statusFor(keys.orders)).toBe(200);
  });

  it('reads the file again on SIGHUP, and goes on', async () => {
    const { loaded_at: before } = await configStatus();
    broker.process.signal('SIGHUP');
    await soon('read again', async () => (await configStatus()).loaded_at !== before);
    expect(await statusFor(keys.orders)).toBe(200);
  });
});
