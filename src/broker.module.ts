import { Global, Module } from '@nestjs/common';
import { Backend } from './backend.js';
import type { AppSection } from './config/app.section.js';
import type { AppDefinition } from './core/app-definition.js';
import { TokenBroker } from './core/broker.js';
import { Clock } from './core/ports/clock.js';
import { EventSinks } from './core/ports/events.js';
import { LiveTokens } from './core/redaction/redactor.js';
import { TicketBroker } from './core/ticket-broker.js';
import { MeasuredTokenStore } from './observability/measured-token-store.js';
import { Metrics } from './observability/metrics.js';
import { MetricsObserver } from './observability/metrics.observer.js';
import { platformOf } from './platforms/registry.js';
import { Runtime } from './runtime.module.js';
import { Telemetry } from './telemetry.module.js';

const DEFINITIONS = Symbol('app definitions');

/** The core, on the storage and the platforms that are configured. */
@Global()
@Module({
  providers: [
    { provide: Backend, inject: [Runtime, Clock, Metrics], useFactory: backend },
    {
      provide: DEFINITIONS,
      inject: [Runtime],
      useFactory: ({ config }: Runtime) => config.apps.map((app) => appDefinition(app, config.proxyVariable)),
    },
    {
      provide: TokenBroker,
      inject: [Runtime, DEFINITIONS, Backend, Clock, Metrics, Telemetry],
      useFactory: tokenBroker,
    },
    { provide: TicketBroker, inject: [Runtime, DEFINITIONS, TokenBroker], useFactory: ticketBroker },
  ],
  exports: [Backend, TokenBroker, TicketBroker],
})
export class BrokerModule {}

function backend({ config, logger }: Runtime, clock: Clock, { catalogue }: Metrics): Promise<Backend> {
  return Backend.of(config, clock, logger, catalogue);
}

function tokenBroker(
  { redactor, replica }: Runtime,
  definitions: readonly AppDefinition[],
  { ports }: Backend,
  clock: Clock,
  metrics: Metrics,
  telemetry: Telemetry,
): TokenBroker {
  const broker = new TokenBroker(definitions, {
    ...ports,
    store: new MeasuredTokenStore(ports.store, clock, metrics.catalogue),
    clock,
    events: new EventSinks(...telemetry.sinks, new MetricsObserver(metrics.catalogue)),
    replica,
  });
  metrics.watch(broker);
  const liveTokens = new LiveTokens(redactor);
  broker.subscribeAll((app, { record }) => {
    liveTokens.add(app, record.value);
  });
  return broker;
}

function ticketBroker(
  { config: { apps, proxyVariable } }: Runtime,
  definitions: readonly AppDefinition[],
  broker: TokenBroker,
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
