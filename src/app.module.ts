import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { Backend } from './backend.js';
import type { AppSection } from './config/app.section.js';
import type { Config } from './config/config.js';
import type { AppDefinition } from './core/app-definition.js';
import { Clock, sleep } from './core/ports/clock.js';
import { LiveTokens, type Redactor } from './core/redaction/redactor.js';
import { EventSinks } from './core/ports/events.js';
import { SystemClock } from './core/system-clock.js';
import { TicketBroker } from './core/ticket-broker.js';
import { TokenBroker } from './core/broker.js';
import { AuditTrail, HttpObserver, type OverloadLimit, RequestTracing } from './api/common/ports.js';
import { HttpModule } from './api/http.module.js';
import { MetricsSource } from './api/metrics/metrics.controller.js';
import { Readiness } from './api/health/readiness.js';
import { JobsModule } from './jobs/jobs.module.js';
import { LineLimit } from './observability/line-limit.js';
import type { Logger } from './observability/logger.js';
import { MeasuredTokenStore } from './observability/measured-token-store.js';
import { Metrics } from './observability/metrics.js';
import { MetricsObserver } from './observability/metrics.observer.js';
import { readVersion } from './observability/read-version.js';
import { Telemetry } from './telemetry.js';
import { platformOf } from './platforms/registry.js';

export interface AppModuleOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Is told of every token while it lives. */
  readonly redactor: Redactor;
  /** Names this process in records. */
  readonly replica: string;
}

/** The time between no longer being ready and taking leave. */
class Drain {
  constructor(
    private readonly clock: Clock,
    private readonly durationMs: number,
  ) {}

  async over(): Promise<void> {
    await sleep(this.clock, this.durationMs);
  }
}

/** The composition root: the one place that names concrete adapters. */
@Module({})
export class AppModule
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    private readonly broker: TokenBroker,
    private readonly readiness: Readiness,
    private readonly drain: Drain,
    private readonly backend: Backend,
    private readonly telemetry: Telemetry,
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

  /** The first of the hooks: while load balancers notice, all else goes on, timers and streams too. */
  async onModuleDestroy(): Promise<void> {
    this.readiness.stopping();
    await this.drain.over();
  }

  /** Still serves while fetches that were sent come back; the server closes afterwards. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.broker.stop();
  }

  async onApplicationShutdown(): Promise<void> {
    this.backend.close();
    await this.telemetry.close();
  }
}

const OVERLOADS: Readonly<Record<OverloadLimit, string>> = {
  pipelining:
    'a caller sent too many requests on one connection without waiting for answers; the connection is closed',
  in_flight: 'too many requests are being worked on; further ones are answered 503',
  unread: 'a caller did not read its answer in time; the connection is cut',
};

/** Turns what the HTTP edge reports into numbers, and into a line when a limit begins to bite. */
class CountingObserver extends HttpObserver {
  private readonly overloads: LineLimit;

  constructor(
    private readonly metrics: Metrics,
    private readonly logger: Logger,
    clock: Clock,
  ) {
    super();
    this.overloads = new LineLimit(clock, 1);
  }

  override request(route: string, method: string, status: number, durationMs: number): void {
    this.metrics.countRequest(route, method, status, durationMs);
  }

  override denied(reason: string): void {
    this.metrics.countDenial(reason);
  }

  override overloaded(limit: OverloadLimit, remote: string): void {
    this.metrics.countOverload(limit);
    const isFirst = this.overloads.isFree(limit, (more) => {
      this.logger.warn({ event: 'http.overloaded', limit, more }, `${more} more of these within a minute`);
    });
    if (isFirst) this.logger.warn({ event: 'http.overloaded', limit, remote }, OVERLOADS[limit]);
  }

  override refusedAsWechat(route: string, errcode: number): void {
    this.metrics.countDropInRefusal(route, errcode);
  }
}

@Module({})
class CoreModule {}

async function coreModule(options: AppModuleOptions): Promise<DynamicModule> {
  const { config, logger, redactor, replica } = options;
  const clock = new SystemClock();
  const telemetry = await Telemetry.start({ ...options, clock });
  const metrics = new Metrics(readVersion());
  const backend = await Backend.of(config, clock, logger, metrics.catalogue);
  const apps = config.apps.map((app) => appDefinition(app, config.proxyVariable));
  const broker = new TokenBroker(apps, {
    ...backend.ports,
    store: new MeasuredTokenStore(backend.ports.store, clock, metrics.catalogue),
    clock,
    events: new EventSinks(...telemetry.observers, new MetricsObserver(metrics.catalogue)),
    replica,
  });
  metrics.watch(broker);
  const liveTokens = new LiveTokens(redactor);
  broker.subscribeAll((app, { record }) => {
    liveTokens.add(app, record.value);
  });
  const providers = [
    { provide: TokenBroker, useValue: broker },
    { provide: TicketBroker, useValue: ticketBroker(config, broker, apps) },
    { provide: Clock, useValue: clock },
    { provide: Drain, useValue: new Drain(clock, config.server.drainSeconds * 1000) },
    { provide: Backend, useValue: backend },
    { provide: HttpObserver, useValue: new CountingObserver(metrics, logger, clock) },
    { provide: MetricsSource, useValue: metrics },
    { provide: Telemetry, useValue: telemetry },
    { provide: AuditTrail, useValue: telemetry.audit },
    { provide: RequestTracing, useValue: telemetry.requestTracing },
  ];
  return { module: CoreModule, providers, exports: providers.map(({ provide }) => provide) };
}

function ticketBroker(
  { apps, proxyVariable }: Config,
  broker: TokenBroker,
  definitions: readonly AppDefinition[],
): TicketBroker {
  const credentials = new Map(apps.map((app) => [app.name, platformOf(app.provider).credentials(app)]));
  return new TicketBroker(broker, definitions, (app, type, source) => {
    const ticket = credentials.get(app)?.find(({ id }) => id === type);
    if (!ticket) throw new Error(`the platform of ${app} has no ${type} ticket`);
    return ticket.issuer({ proxyVariable, source });
  });
}

function appDefinition(app: AppSection, proxyVariable: string | null): AppDefinition {
  const { refresh } = app;
  return {
    name: app.name,
    provider: app.provider,
    grant: app.grant,
    appId: app.appId,
    host: new URL(app.apiBaseUrl).host,
    appSecret: app.appSecret.fault === null ? app.appSecret.value() : { fault: app.appSecret.fault },
    issuer: platformOf(app.provider).credentials(app)[0].issuer({ proxyVariable, source: null }),
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
