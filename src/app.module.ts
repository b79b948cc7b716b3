import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { MemoryRefreshLease, MemoryRotationFeed, MemoryTokenStore } from './backends/memory/index.js';
import type { AppConfig, Config, EncryptionKeyConfig, RedisConfig } from './config/config.js';
import type { AppDefinition } from './core/app-definition.js';
import type { BrokerPorts } from './core/broker-ports.js';
import { Clock } from './core/clock.js';
import { SystemClock } from './core/system-clock.js';
import { TokenBroker } from './core/token-broker.js';
import { HttpObserver } from './http/http-observer.js';
import { HttpModule } from './http/http.module.js';
import { MetricsSource } from './http/metrics.controller.js';
import { Readiness } from './http/readiness.js';
import { JobsModule } from './jobs/jobs.module.js';
import { LogObserver } from './ops/log.observer.js';
import type { Logger } from './ops/logger.js';
import { Metrics } from './ops/metrics.js';
import { WechatIssuer } from './wechat/wechat.issuer.js';

export interface AppModuleOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Names this process in records. */
  readonly replica: string;
}

/** How long the first fetch waits for Redis: without it every replica would fetch for itself. */
const REDIS_START_MS = 3000;

/** What the replicas share, or one replica keeps to itself. */
abstract class Backend {
  abstract readonly ports: Pick<BrokerPorts, 'store' | 'lease' | 'feed'>;
  abstract ready(): Promise<void>;
  abstract close(): void;
}

/** The composition root: the one place that names concrete adapters. */
@Module({})
export class AppModule implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly broker: TokenBroker,
    private readonly readiness: Readiness,
    private readonly backend: Backend,
  ) {}

  static async register(options: AppModuleOptions): Promise<DynamicModule> {
    const core = await coreModule(options);
    return {
      module: AppModule,
      imports: [
        core,
        HttpModule.register({ imports: [core], clients: options.config.clients }),
        JobsModule.register({ imports: [core] }),
      ],
    };
  }

  /** Waits for no fetch: it goes on while the server already listens and callers wait for it. */
  async onApplicationBootstrap(): Promise<void> {
    await this.backend.ready();
    void this.broker.start();
  }

  /** Still serves while fetches that were sent come back; the server closes afterwards. */
  async beforeApplicationShutdown(): Promise<void> {
    this.readiness.stopping();
    await this.broker.stop();
  }

  onApplicationShutdown(): void {
    this.backend.close();
  }
}

/** Turns what the HTTP edge reports into numbers. */
class CountingObserver extends HttpObserver {
  constructor(private readonly metrics: Metrics) {
    super();
  }

  override request(route: string, method: string, status: number): void {
    this.metrics.countRequest(route, method, status);
  }

  override denied(reason: string): void {
    this.metrics.countDenial(reason);
  }
}

@Module({})
class CoreModule {}

async function coreModule({ config, logger, replica }: AppModuleOptions): Promise<DynamicModule> {
  const clock = new SystemClock();
  const metrics = new Metrics();
  const backend = config.redis
    ? await redisBackend(config.redis, config.encryption?.keys ?? [], clock, logger)
    : memoryBackend(clock);
  const broker = new TokenBroker(config.apps.map(appDefinition), {
    ...backend.ports,
    clock,
    observer: new LogObserver(logger),
    replica,
  });
  const providers = [
    { provide: TokenBroker, useValue: broker },
    { provide: Clock, useValue: clock },
    { provide: Backend, useValue: backend },
    { provide: HttpObserver, useValue: new CountingObserver(metrics) },
    { provide: MetricsSource, useValue: metrics },
  ];
  return { module: CoreModule, providers, exports: providers.map(({ provide }) => provide) };
}

function memoryBackend(clock: Clock): Backend {
  const lease = new MemoryRefreshLease(clock);
  return {
    ports: { lease, store: new MemoryTokenStore(clock, lease), feed: new MemoryRotationFeed() },
    ready: () => Promise.resolve(),
    close: () => undefined,
  };
}

/** Loaded only when it is configured: ioredis takes memory, and time at the start. */
async function redisBackend(
  redis: RedisConfig,
  encryptionKeys: readonly EncryptionKeyConfig[],
  clock: Clock,
  logger: Logger,
): Promise<Backend> {
  const { RedisConnection, RedisRefreshLease, RedisRotationFeed, RedisTokenStore, TokenCipher } =
    await import('./backends/redis/index.js');
  const { server, keyPrefix } = redis;
  const settings = {
    server: server.kind === 'url' ? { ...server, url: server.url.value() } : server,
    username: redis.username,
    password: redis.password?.value() ?? null,
    tls: redis.tls,
  };
  const connection = new RedisConnection(settings, clock);
  const cipher = new TokenCipher(
    encryptionKeys.map(({ id, key }) => ({ id, key: Buffer.from(key.value(), 'base64') })),
  );
  const onUnreadable = (app: string): void => {
    logger.error(
      { event: 'store.unreadable', app },
      'no key of encryption.keys opens the stored token: fetching a new one; keep an old key in the list while replicas still use it',
    );
  };
  const feed = new RedisRotationFeed(connection, keyPrefix);
  return {
    ports: {
      lease: new RedisRefreshLease(connection, keyPrefix),
      store: new RedisTokenStore(connection, { keyPrefix, cipher, onUnreadable }),
      feed,
    },
    ready: () => connection.ready(REDIS_START_MS),
    close: () => {
      feed.close();
      connection.close();
    },
  };
}

function appDefinition(app: AppConfig): AppDefinition {
  const { refresh } = app;
  return {
    name: app.name,
    provider: app.provider,
    grant: app.grant,
    appId: app.appId,
    appSecret: app.appSecret.value(),
    issuer: new WechatIssuer({ grant: app.grant, apiBaseUrl: app.apiBaseUrl }),
    refresh: {
      aheadMs: refresh.aheadSeconds * 1000,
      jitterMs: refresh.jitterSeconds * 1000,
      dailyBudget: refresh.dailyBudget,
      forcedDailyBudget: refresh.forcedDailyBudget,
      verifyReports: refresh.verifyReports,
      upstreamTimeoutMs: refresh.upstreamTimeoutSeconds * 1000,
      leaseMs: refresh.leaseSeconds * 1000,
      reconcileMs: refresh.reconcileSeconds * 1000,
    },
  };
}
