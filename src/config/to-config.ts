import type { AppConfig, ClientConfig, Config, RedisConfig, RefreshConfig } from './config.js';
import type { AppSection } from './sections/app.section.js';
import type { ClientSection } from './sections/client.section.js';
import type { ConfigFile } from './sections/config-file.section.js';
import type { RedisSection } from './sections/redis.section.js';

/** A classic token is replaced early: the one before it lives on for 300 s only. A stable one changes in its last 300 s. */
const AHEAD_SECONDS = { classic: 900, stable: 270 } as const;
const FORCED_DAILY_BUDGET = 20;

/** Turns a validated file into what the rest of the broker reads. */
export function toConfig({ server, redis, encryption, apps, clients }: ConfigFile): Config {
  return {
    server: { ...server },
    redis: redis === undefined ? null : toRedis(redis),
    encryption:
      encryption === undefined ? null : { keys: encryption.keys.map(({ id, key }) => ({ id, key })) },
    apps: apps.map(toApp),
    clients: clients.map(toClient),
  };
}

function toRedis(section: RedisSection): RedisConfig {
  const { tls } = section;
  const withTls = tls !== undefined || section.url?.value().startsWith('rediss:') === true;
  return {
    server: toRedisServer(section),
    username: section.username ?? null,
    password: section.password ?? null,
    keyPrefix: section.keyPrefix,
    tls: withTls ? { ca: tls?.ca?.value() ?? null, serverName: tls?.serverName ?? null } : null,
  };
}

function toRedisServer({ url, sentinels, name, clusterNodes }: RedisSection): RedisConfig['server'] {
  if (url !== undefined) return { kind: 'url', url };
  if (sentinels !== undefined && name !== undefined) {
    return { kind: 'sentinel', sentinels: sentinels.map((endpoint) => ({ ...endpoint })), name };
  }
  return { kind: 'cluster', nodes: (clusterNodes ?? []).map((endpoint) => ({ ...endpoint })) };
}

function toApp({ name, provider, grant, appId, appSecret, apiBaseUrl, refresh }: AppSection): AppConfig {
  return {
    name,
    provider,
    grant,
    appId,
    appSecret,
    apiBaseUrl: apiBaseUrl.replace(/\/+$/, ''),
    refresh: toRefresh(refresh, grant),
  };
}

function toRefresh(section: AppSection['refresh'], grant: AppSection['grant']): RefreshConfig {
  return {
    ...section,
    aheadSeconds: section.aheadSeconds ?? AHEAD_SECONDS[grant],
    forcedDailyBudget: section.forcedDailyBudget ?? Math.min(FORCED_DAILY_BUDGET, section.dailyBudget),
  };
}

function toClient({ name, keySha256, apps, scopes }: ClientSection): ClientConfig {
  return { name, keySha256: keySha256.map((hash) => hash.toLowerCase()), apps, scopes };
}
