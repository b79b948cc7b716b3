import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { MemoryRefreshLease, MemoryRotationFeed, MemoryTokenStore } from './backends/memory/index.js';
import type { AppConfig, Config } from './config/config.js';
import type { AppDefinition } from './core/app-definition.js';
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

/** The composition root: the one place that names concrete adapters. */
@Module({})
export class AppModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(
    private readonly broker: TokenBroker,
    private readonly readiness: Readiness,
  ) {}

  static register(options: AppModuleOptions): DynamicModule {
    const core = coreModule(options);
    return {
      module: AppModule,
      imports: [
        core,
        HttpModule.register({ imports: [core], clients: options.config.clients }),
        JobsModule.register({ imports: [core] }),
      ],
    };
  }

  /** Listens at once: the first fetch goes on while callers may already wait for it. */
  onApplicationBootstrap(): void {
    void this.broker.start();
  }

  /** Still serves while fetches that were sent come back; the server closes afterwards. */
  async beforeApplicationShutdown(): Promise<void> {
    this.readiness.stopping();
    await this.broker.stop();
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

function coreModule({ config, logger, replica }: AppModuleOptions): DynamicModule {
  const clock = new SystemClock();
  const lease = new MemoryRefreshLease(clock);
  const metrics = new Metrics();
  const broker = new TokenBroker(config.apps.map(appDefinition), {
    clock,
    store: new MemoryTokenStore(clock, lease),
    lease,
    feed: new MemoryRotationFeed(),
    observer: new LogObserver(logger),
    replica,
  });
  const providers = [
    { provide: TokenBroker, useValue: broker },
    { provide: Clock, useValue: clock },
    { provide: HttpObserver, useValue: new CountingObserver(metrics) },
    { provide: MetricsSource, useValue: metrics },
  ];
  return { module: CoreModule, providers, exports: providers.map(({ provide }) => provide) };
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
