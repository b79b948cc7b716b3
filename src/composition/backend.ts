import {
  MemoryAppClaim,
  MemoryHistory,
  MemoryLoginStore,
  MemoryRefreshLease,
  MemoryReplicaRegistry,
  MemoryRotationFeed,
  MemorySharedProbes,
  MemoryTokenStore,
} from '../storage/memory/index.js';
import type { RedisSettings } from '../storage/redis/index.js';
import type { ConfiguredApps } from './configured-apps.js';
import type { Config } from '../config/config.js';
import type { RedisSection } from '../config/redis.section.js';
import type { BrokerPorts } from '../core/ports/broker-ports.js';
import type { AppIdentity } from '../core/app-definition.js';
import type { LoginPorts } from '../core/login/login-call.js';
import type { History } from '../core/ports/history.js';
import type { ReplicaRegistry } from '../core/ports/replica-registry.js';
import type { Clock } from '../core/ports/clock.js';
import type { StoreUnavailableError } from '../core/errors.js';
import { LineLimit } from '../observability/line-limit.js';
import type { Logger } from '../observability/logger.js';
import type { MetricCatalogue } from '../observability/metric-catalogue.js';

/** How long the first fetch waits for Redis: without it every replica would fetch for itself. */
const REDIS_START_MS = 3000;
/** Who writes to Redis all the time must not fill the log. */
const MAX_UNREADABLE_A_MINUTE = 20;
const MAX_FEED_LINES_A_MINUTE = 2;

/** What the replicas share, or one replica keeps to itself. */
export abstract class Backend {
  abstract readonly ports: Pick<BrokerPorts, 'store' | 'lease' | 'feed' | 'claim' | 'probes'>;
  abstract readonly history: History;
  abstract readonly replicas: ReplicaRegistry;
  abstract readonly logins: Pick<LoginPorts, 'store' | 'ownStore'>;
  /** Resolves when it answers, or when waiting longer makes no sense. */
  abstract ready(): Promise<void>;
  abstract close(): void;

  /** Redis where one is configured, else memory. */
  static async of(
    config: Config,
    apps: ConfiguredApps,
    clock: Clock,
    logger: Logger,
    metrics: MetricCatalogue,
  ): Promise<Backend> {
    const { redis } = config;
    return redis ? redisBackend(redis, config, apps, clock, logger, metrics) : memoryBackend(clock, metrics);
  }
}

function memoryBackend(clock: Clock, { feedUp }: MetricCatalogue): Backend {
  feedUp.set(1);
  const lease = new MemoryRefreshLease(clock);
  const logins = new MemoryLoginStore(clock);
  return {
    ports: {
      lease,
      store: new MemoryTokenStore(clock, lease),
      feed: new MemoryRotationFeed(),
      claim: new MemoryAppClaim(clock),
      probes: new MemorySharedProbes(clock),
    },
    history: new MemoryHistory(clock),
    replicas: new MemoryReplicaRegistry(clock),
    logins: { store: logins, ownStore: logins },
    ready: () => Promise.resolve(),
    close: () => undefined,
  };
}

/** What the adapter of Redis needs, its secrets in clear. */
export function redisSettings(redis: RedisSection): RedisSettings {
  const { server } = redis;
  return {
    server: server.kind === 'url' ? { ...server, url: server.url.value() } : server,
    username: server.kind === 'url' ? null : (redis.username ?? null),
    password: server.kind === 'url' ? null : (redis.password?.value() ?? null),
    sentinelUsername: redis.sentinelUsername ?? null,
    sentinelPassword: redis.sentinelPassword?.value() ?? null,
    tls: redis.isTls
      ? { ca: redis.tls?.ca?.value() ?? null, serverName: redis.tls?.serverName ?? null }
      : null,
  };
}

/** Loaded only when it is configured: ioredis takes memory, and time at the start. */
async function redisBackend(
  redis: RedisSection,
  { encryption }: Config,
  apps: ConfiguredApps,
  clock: Clock,
  logger: Logger,
  { feedUp }: MetricCatalogue,
): Promise<Backend> {
  const {
    KeyUse,
    LegacyState,
    RedisAppClaim,
    RedisConnection,
    RedisHistory,
    RedisLoginStore,
    RedisRefreshLease,
    RedisReplicaRegistry,
    RedisRotationFeed,
    RedisSharedProbes,
    RedisTokenStore,
    TokenCipher,
  } = await import('../storage/redis/index.js');
  const { keyPrefix } = redis;
  const encryptionKeys = encryption?.keys ?? [];
  const connection = new RedisConnection(redisSettings(redis), clock);
  const cipher = new TokenCipher(
    encryptionKeys.map(({ id, key }) => ({ id, key: Buffer.from(key.value(), 'base64') })),
  );
  const keyUse = new KeyUse(
    encryptionKeys.map(({ id }) => id),
    () => apps.withToken,
    (keyIds) => {
      logger.info(
        { event: 'store.keys_unused', key_ids: keyIds },
        'nothing that is stored of the configured apps is sealed with these keys any more: once every replica has the first key in front, they can be dropped from encryption.keys',
      );
    },
  );
  const unreadable = new LineLimit(clock, MAX_UNREADABLE_A_MINUTE);
  const onUnreadable = ({ name }: AppIdentity): void => {
    if (!unreadable.isFree('unreadable', () => undefined)) return;
    logger.error(
      { event: 'store.unreadable', app: name },
      'no key of encryption.keys opens what is stored of this app: fetching a new token where none is in memory; keep an old key in the list while replicas still use it',
    );
  };
  const onOtherOwner = ({ name, provider, appId, grant }: AppIdentity, owner: string): void => {
    const section = apps.sections.find((app) => app.appId === appId && app.provider === provider);
    const shownId = section?.shownId ?? appId;
    // Where ids have no fixed form, the one before may be a secret that somebody has moved to its place since.
    const hasForm = section?.hasIdForm === true && owner.startsWith(`{${name}}:${provider}:`);
    const stored = hasForm ? owner : 'an id not shown, it may be a secret';
    logger.warn(
      { event: 'store.other_app', app: name, app_id: shownId, provider, grant, stored_for: stored },
      'what Redis holds under the name of this app belongs to another AppID and is left alone: give environments that share a Redis a redis.keyPrefix each; after a change of appId nothing needs to be done',
    );
  };
  const feedLines = new LineLimit(clock, MAX_FEED_LINES_A_MINUTE);
  feedUp.set(0);
  const onFeedChange = (reason: string | null): void => {
    feedUp.set(reason === null ? 1 : 0);
    if (!feedLines.isFree(reason === null ? 'up' : 'down', () => undefined)) return;
    if (reason === null) logger.info({ event: 'feed.available' }, 'messages about new tokens come in');
    else {
      logger.warn(
        { event: 'feed.unavailable', message: reason },
        'no messages about new tokens come in: they are found by looking, every reconcileSeconds. Where Redis itself is there, something between may not let SUBSCRIBE through, or the user may not subscribe: see docs/redis.md',
      );
    }
  };
  const onRefusal = (refusal: StoreUnavailableError | null): void => {
    if (refusal === null) {
      logger.info(
        { event: 'claim.available' },
        'brokers on this Redis that hold the same AppID see each other',
      );
      return;
    }
    const { message, remedy } = refusal;
    logger.warn(
      { event: 'claim.unavailable', message, remedy },
      'the broker cannot see whether another one on this Redis fetches for the same AppID, and fetches as if none did: its user needs the keys tokenbroker:claim:*, see docs/redis.md',
    );
  };
  const onList = (isUsable: boolean): void => {
    if (isUsable) {
      logger.info(
        { event: 'changes.available' },
        'Redis lists which apps have changed: the others are read seldom',
      );
      return;
    }
    logger.warn(
      { event: 'changes.unavailable' },
      'Redis does not let the broker list which apps have changed: every app is read every reconcileSeconds, at most 500 a second. Where Redis takes writes, its user lacks XADD, XRANGE or XREVRANGE: see docs/redis.md',
    );
  };
  const legacy = new LegacyState(connection, cipher, keyPrefix);
  const feed = new RedisRotationFeed(connection, keyPrefix, onFeedChange, legacy);
  const store = { keyPrefix, cipher, legacy, keyUse, onList, onUnreadable, onOtherOwner };
  return {
    ports: {
      lease: new RedisRefreshLease(connection, keyPrefix, legacy),
      store: new RedisTokenStore(connection, store),
      feed,
      claim: new RedisAppClaim(connection, { keyPrefix, onRefusal }),
      probes: new RedisSharedProbes(connection, { keyPrefix, cipher }),
    },
    history: new RedisHistory(connection, keyPrefix, clock),
    replicas: new RedisReplicaRegistry(connection, keyPrefix),
    logins: {
      store: new RedisLoginStore(connection, { keyPrefix, cipher }),
      ownStore: new MemoryLoginStore(clock),
    },
    ready: async () => {
      await connection.ready(REDIS_START_MS);
      if (!connection.isReady) return;
      await connection.check(keyPrefix).catch((error: unknown) => {
        const { message, remedy } = error as StoreUnavailableError;
        logger.error(
          { event: 'store.check_failed', message, remedy },
          'Redis does not let the broker do what it needs',
        );
      });
    },
    close: () => {
      feed.close();
      connection.close();
    },
  };
}
