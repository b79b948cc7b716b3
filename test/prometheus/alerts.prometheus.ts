import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MINIMAL_ACL } from '../support/minimal-acl.js';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from '../support/broker-config.js';
import { startBroker, type BrokerProcess } from '../support/broker-process.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { startPlatform } from '../support/start-platform.js';
import { tempFile } from '../support/temp-file.js';
import { PrometheusServer, type FiringAlert } from './prometheus-server.js';
import { scaleRules } from './scale-rules.js';

const FILES = new URL('../../helm/access-token-broker/files/', import.meta.url);
/** An alert that waits for a minute waits for a second. */
const FACTOR = 60;
/** Twice in the shortest interval of the scaled rules would be too much for a busy machine. */
const EVERY_MS = 500;
const LIFE_SECONDS = 40;
const USER = { name: 'broker', password: randomBytes(12).toString('hex') };
/** Long enough for a second alert to join the first, if one would. */
const WATCH_MS = 2500;

const shop = { name: 'shop', grant: 'stable', ...newApp() } as const;
const blog = { name: 'blog', grant: 'classic', ...newApp() } as const;
const key = newApiKey();
let shopSecretFile: string;
let simulator: WechatSimulator;
let redis: RedisServer;
let replicas: BrokerProcess[];
let prometheus: PrometheusServer;
let watchedSinceMs: number;

beforeAll(async () => {
  shopSecretFile = tempFile(shop.appSecret);
  simulator = await startPlatform({
    apps: [shop, blog],
    expiresInSeconds: LIFE_SECONDS,
    graceSeconds: LIFE_SECONDS / 2 + 2,
  });
  redis = await RedisServer.start({ users: [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`] });
  replicas = await Promise.all([startReplica(), startReplica()]);
  await Promise.all(replicas.map((replica) => replica.ready()));
  prometheus = await PrometheusServer.start({
    rules: scaleRules(readFileSync(new URL('rules.yaml', FILES), 'utf8'), FACTOR),
    everyMs: EVERY_MS,
    targets: replicas.map(({ url }) => url),
  });
}, 60_000);

function startReplica(): Promise<BrokerProcess> {
  const refresh = {
    aheadSeconds: LIFE_SECONDS / 2,
    upstreamTimeoutSeconds: 0.5,
    leaseSeconds: 1.5,
    reconcileSeconds: 1,
  };
  const apps = [{ ...shop, secretFile: shopSecretFile }, blog].map((app) => ({
    ...app,
    apiBaseUrl: simulator.url,
    refresh,
  }));
  const config = {
    ...brokerConfig({ apps, keys: { orders: key } }),
    redis: { url: redis.url(USER) },
    encryption: { keys: [{ id: 'k1', key: encryptionKey }] },
  };
  return startBroker({ config, key });
}
const encryptionKey = randomBytes(32).toString('base64');

/** What fires, once something does, and for a while after that. Every name comes once. */
async function alarm(): Promise<{ readonly names: string[]; readonly alerts: FiringAlert[] }> {
  await eventually('an alert', async () => (await prometheus.firing()).length > 0, 60_000);
  await sleep(WATCH_MS);
  const alerts = await prometheus.firing();
  return { names: [...new Set(alerts.map(({ name }) => name))], alerts };
}

async function allClear(): Promise<void> {
  await eventually('all clear', async () => (await prometheus.firing()).length === 0, 60_000);
}

it('scrapes both replicas, and nothing fires', async () => {
  // Of an old token, which costs no fetch: so that there are reports to be counted.
  await replicas[0]?.post('/token/refresh', { app: 'shop', generation: 1 });
  await eventually('two targets', async () => (await prometheus.query('up == 1')).length === 2, 30_000);
  // Prometheus looks for its targets only after some seconds, which is minutes for the scaled rules.
  await allClear();
  watchedSinceMs = performance.now();
  await sleep(WATCH_MS);
  expect(await prometheus.firing()).toEqual([]);
}, 60_000);

it('gives promtool nothing to complain of', async () => {
  for (const replica of replicas) {
    const { text: input } = await replica.get('/metrics');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input,
      encoding: 'utf8',
    });
    expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' });
  }
});

it.each([shop, blog])('knows when the token of $name expires', async ({ name }) => {
  const samples = await prometheus.query(`tokenbroker_token_expiration_timestamp_seconds{app="${name}"}`);
  expect(samples).toHaveLength(2);
  for (const replica of replicas) {
    const { body } = await replica.get(`/token?app=${name}`);
    for (const { value } of samples) {
      expect(Math.abs(value - Date.parse(String(body.expires_at)) / 1000)).toBeLessThan(2);
    }
  }
});

it('says that the platform is away, and nothing else', async () => {
  const port = Number(new URL(simulator.url).port);
  await simulator.stop();
  const { names, alerts } = await alarm();
  await simulator.start(port);
  expect(names).toEqual(['AccessTokenBrokerPlatformUnreachable']);
  for (const { description } of alerts) {
    expect(description).toMatch(/DNS, egress firewall or NetworkPolicy, proxy, and the app's apiBaseUrl/);
    expect(description).toMatch(/Callers are served the token in use for another \d+/);
  }
  await allClear();
}, 120_000);

it('says that Redis is away, and nothing else', async () => {
  await redis.kill();
  const { names, alerts } = await alarm();
  await redis.restart();
  expect(names).toEqual(['AccessTokenBrokerStoreDown']);
  expect(alerts[0]?.summary).toBe('Redis does not answer 2 of the replicas of access-token-broker.');
  expect(alerts[0]?.description).toMatch(/Bring Redis back, or the way to it/);
  await allClear();
}, 120_000);

it('says that the AppSecret was reset, and nothing else; what the text says cures it', async () => {
  const appSecret = randomBytes(16).toString('hex');
  simulator.resetSecret(appSecret, shop.appId);
  const { names, alerts } = await alarm();
  expect(names).toEqual(['AccessTokenBrokerConfigurationRejected']);
  expect(alerts.map(({ labels }) => [labels.app, labels.errcode])).toEqual([['shop', '40125']]);
  expect(alerts[0]?.description).toMatch(
    /The AppSecret is wrong or was reset: put the one that WeChat's console gives/,
  );
  writeFileSync(shopSecretFile, appSecret);
  await allClear();
}, 120_000);

it.each([shop, blog])('counts the fetches of $name as the platform does', async ({ name, appId }) => {
  const counted = `sum(tokenbroker_upstream_fetches_total{app="${name}", outcome=~"issued|refused"})`;
  await eventually('the same count', async () => {
    const [sample] = await prometheus.query(counted);
    return sample?.value === simulator.calls(appId).fetches;
  });
});

it('understands every query of the dashboard, and has an answer to nearly all', async () => {
  interface Dashboard {
    readonly panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  }
  const { panels } = JSON.parse(readFileSync(new URL('dashboard.json', FILES), 'utf8')) as Dashboard;
  const queries = panels
    .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
    .map((expr) => expr.replaceAll('$__rate_interval', '1m').replace(/\$(?:namespace|job|app)\b/g, '.*'));
  const answers = await Promise.all(queries.map((query) => prometheus.query(query)));
  const unanswered = queries.filter((_, index) => answers[index]?.length === 0);
  // Nothing is wrong now, nobody logs in, calls through the gateway or has a JWT, and there is no TLS, so that nothing is there to be counted.
  const mayBeEmpty = (query: string) =>
    /ALERTS|unless|config_error|suspect|\[45\]|_login_|_gateway_|reload_successful|jwks_up|certificate_/.test(
      query,
    );
  expect(unanswered.filter((query) => !mayBeEmpty(query))).toEqual([]);
});

it('fired nothing else in all the time', async () => {
  const watchedMs = String(Math.floor(performance.now() - watchedSinceMs));
  const alerts = await prometheus.query(
    `group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[${watchedMs}ms]))`,
  );
  expect(alerts.map(({ labels }) => labels.alertname).sort()).toEqual([
    'AccessTokenBrokerConfigurationRejected',
    'AccessTokenBrokerPlatformUnreachable',
    'AccessTokenBrokerStoreDown',
  ]);
});
