import type {
  AppConfig,
  ClientConfig,
  Config,
  Endpoint,
  RedisConfig,
  RefreshConfig,
  ServerConfig,
  TracingConfig,
} from './config.js';
import type { RefreshDefaults } from '../platforms/platform.js';
import { platformOf } from '../platforms/registry.js';
import { Secret } from './secret.js';
import type { AppSection } from './sections/app.section.js';
import type { ClientSection } from './sections/client.section.js';
import type { ConfigFile } from './sections/config-file.section.js';
import type { EndpointSection, RedisSection } from './sections/redis.section.js';
import type { ServerSection } from './sections/server.section.js';
import type { TracingSection } from './sections/tracing.section.js';

/** Turns a validated file into what the rest of the broker reads. */
export function toConfig(
  file: ConfigFile,
  { warnings, proxyVariable }: Pick<Config, 'warnings' | 'proxyVariable'>,
): Config {
  const { server, redis, encryption, audit, tracing, apps, clients } = file;
  return {
    server: toServer(server),
    redis: redis === undefined ? null : toRedis(redis),
    encryption:
      encryption === undefined ? null : { keys: encryption.keys.map(({ id, key }) => ({ id, key })) },
    audit: { reads: audit.reads, destination: audit.destination },
    tracing: tracing === undefined ? null : toTracing(tracing),
    apps: apps.map(toApp),
    clients: clients.map(toClient),
    warnings,
    proxyVariable,
  };
}

function toServer({ port, host, logLevel, docs, trustProxy, drainSeconds }: ServerSection): ServerConfig {
  return { port, host: host ?? null, logLevel, docs, trustProxy, drainSeconds };
}

function toRedis(section: RedisSection): RedisConfig {
  const { tls } = section;
  const withTls = tls !== undefined || section.url?.value().startsWith('rediss:') === true;
  const isUrl = section.url !== undefined;
  return {
    server: toRedisServer(section),
    username: isUrl ? null : (section.username ?? null),
    password: isUrl ? null : (section.password ?? null),
    sentinelUsername: section.sentinelUsername ?? null,
    sentinelPassword: section.sentinelPassword ?? null,
    keyPrefix: section.keyPrefix,
    tls: withTls ? { ca: tls?.ca?.value() ?? null, serverName: tls?.serverName ?? null } : null,
  };
}

function toRedisServer(section: RedisSection): RedisConfig['server'] {
  const { url, sentinels, name, clusterNodes } = section;
  if (url !== undefined) return { kind: 'url', url: withLogin(url, section) };
  if (sentinels !== undefined && name !== undefined) {
    return { kind: 'sentinel', sentinels: sentinels.map(toEndpoint), name };
  }
  return { kind: 'cluster', nodes: (clusterNodes ?? []).map(toEndpoint) };
}

/** The URL with the user and password that stand beside it. */
function withLogin(url: Secret, { username, password }: RedisSection): Secret {
  if (username === undefined && password === undefined) return url;
  const whole = new URL(url.value());
  if (username !== undefined) whole.username = encodeURIComponent(username);
  if (password !== undefined) whole.password = encodeURIComponent(password.value());
  return Secret.of(whole.href);
}

function toEndpoint({ host, port }: EndpointSection): Endpoint {
  return { host, port };
}

function toTracing({ endpoint, sampleRatio, headers = {} }: TracingSection): TracingConfig {
  return { endpoint, sampleRatio, headers: { ...headers } };
}

function toApp(app: AppSection): AppConfig {
  const { name, provider, refresh } = app;
  const platform = platformOf(provider);
  const [token] = platform.credentials(app);
  return {
    name,
    provider,
    ...platform.account(app),
    settings: app,
    refresh: toRefresh(refresh, token.defaults),
  };
}

function toRefresh(section: AppSection['refresh'], defaults: RefreshDefaults): RefreshConfig {
  return {
    aheadSeconds: section.aheadSeconds ?? defaults.aheadSeconds,
    jitterSeconds: section.jitterSeconds,
    dailyBudget: section.dailyBudget,
    forcedDailyBudget: section.forcedDailyBudget ?? Math.min(defaults.forcedDailyBudget, section.dailyBudget),
    verifyReports: section.verifyReports,
    upstreamTimeoutSeconds: section.upstreamTimeoutSeconds,
    leaseSeconds: section.leaseSeconds,
    reconcileSeconds: section.reconcileSeconds,
  };
}

function toClient(section: ClientSection): ClientConfig {
  const { name, keySha256, apps, scopes, maxExpiresInSeconds = null } = section;
  return { name, keySha256: keySha256.map((hash) => hash.toLowerCase()), apps, scopes, maxExpiresInSeconds };
}
