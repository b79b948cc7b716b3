import { Global, Module } from '@nestjs/common';
import { Backend } from './backend.js';
import type { AppSection } from './config/app.section.js';
import type { AppDefinition, TokenlessApp } from './core/app-definition.js';
import { TokenBroker } from './core/broker.js';
import type { AppName } from './core/token.js';
import { Clock } from './core/ports/clock.js';
import { EventSink, EventSinks } from './core/ports/events.js';
import { GatewaySettings } from './core/ports/gateway-profile.js';
import { LiveTokens } from './core/redaction/redactor.js';
import { AppSecrets } from './core/refresh/app-secrets.js';
import { TicketBroker } from './core/ticket-broker.js';
import { VirtualTokens } from './core/virtual-tokens.js';
import { MeasuredTokenStore } from './observability/measured-token-store.js';
import { Metrics } from './observability/metrics.js';
import { MetricsObserver } from './observability/metrics.observer.js';
import { Egress } from './platforms/http/egress.js';
import { passingErrcodes, platformOf } from './platforms/registry.js';
import { Runtime } from './runtime.module.js';
import { Telemetry } from './telemetry.module.js';

/** The apps as the core knows them, in the order of the configuration. */
export const APP_DEFINITIONS = Symbol('app definitions');

/** By app: how its requests leave for its platform. */
export const EGRESSES = Symbol('egresses');
export type Egresses = ReadonlyMap<AppName, Egress>;

/** The core, on the storage and the platforms that are configured. */
@Global()
@Module({
  providers: [
    { provide: Backend, inject: [Runtime, Clock, Metrics], useFactory: backend },
    {
      provide: EGRESSES,
      inject: [Runtime],
      useFactory: ({ config }: Runtime): Egresses =>
        new Map(config.apps.map((app) => [app.name, new Egress(config.egressOf(app))])),
    },
    {
      provide: APP_DEFINITIONS,
      inject: [Runtime, EGRESSES],
      useFactory: ({ config }: Runtime, egresses: Egresses) =>
        config.apps.map((app) => appDefinition(app, egressOf(egresses, app))),
    },
    {
      provide: EventSink,
      inject: [Metrics, Telemetry],
      useFactory: ({ catalogue }: Metrics, { sinks }: Telemetry) =>
        new EventSinks(...sinks, new MetricsObserver(catalogue, [...passingErrcodes().values()].flat())),
    },
    {
      provide: TokenBroker,
      inject: [Runtime, APP_DEFINITIONS, Backend, Clock, Metrics, EventSink],
      useFactory: tokenBroker,
    },
    {
      provide: TicketBroker,
      inject: [TokenBroker, APP_DEFINITIONS],
      useFactory: (broker: TokenBroker, apps: readonly (AppDefinition | TokenlessApp)[]) =>
        new TicketBroker(
          broker,
          apps.filter((app) => 'issuer' in app),
        ),
    },
    { provide: VirtualTokens, inject: [Runtime, Clock], useFactory: virtualTokens },
    { provide: GatewaySettings, inject: [Runtime, EGRESSES], useFactory: gatewaySettings },
  ],
  exports: [
    APP_DEFINITIONS,
    EGRESSES,
    Backend,
    EventSink,
    TokenBroker,
    TicketBroker,
    GatewaySettings,
    VirtualTokens,
  ],
})
export class BrokerModule {}

function backend({ config, logger }: Runtime, clock: Clock, { catalogue }: Metrics): Promise<Backend> {
  return Backend.of(config, clock, logger, catalogue);
}

function tokenBroker(
  { redactor, replica }: Runtime,
  definitions: readonly (AppDefinition | TokenlessApp)[],
  { ports }: Backend,
  clock: Clock,
  metrics: Metrics,
  events: EventSink,
): TokenBroker {
  const broker = new TokenBroker(definitions, {
    ...ports,
    store: new MeasuredTokenStore(ports.store, clock, metrics.catalogue),
    clock,
    events,
    replica,
  });
  metrics.watch(broker);
  const liveTokens = new LiveTokens(redactor);
  broker.subscribeAll((app, { record }) => {
    liveTokens.add(app, record.value);
  });
  return broker;
}

export function egressOf(egresses: Egresses, { name }: Pick<AppSection, 'name'>): Egress {
  const egress = egresses.get(name);
  if (!egress) throw new Error(`the app "${name}" has no egress`);
  return egress;
}

function appDefinition(app: AppSection, egress: Egress): AppDefinition | TokenlessApp {
  const { name, provider, appId, type, refresh, appSecret } = app;
  const secrets = new AppSecrets(appSecret.fault === null ? appSecret.value() : { fault: appSecret.fault });
  const platform = platformOf(provider);
  const [token, ...derived] = platform.credentials(app);
  if (!token) {
    if (!type) throw new Error(`the app "${name}" has neither a token nor a type`);
    return { name, provider, appId, type, secrets };
  }
  return {
    name,
    provider,
    type,
    grant: app.grant,
    appId,
    shownId: app.shownId,
    host: new URL(app.apiBaseUrl).host,
    secrets,
    issuer: token.issuer({ egress, source: null }),
    refresh: {
      aheadMs: refresh.aheadSeconds * 1000,
      jitterMs: refresh.jitterSeconds * 1000,
      dailyBudget: refresh.dailyBudget,
      forcedDailyBudget: refresh.forcedDailyBudget,
      dayOffsetMs: platform.quotaDayOffsetMs,
      verifyReports: refresh.verifyReports,
      upstreamTimeoutMs: refresh.upstreamTimeoutSeconds * 1000,
      leaseMs: refresh.leaseSeconds * 1000,
      reconcileMs: refresh.reconcileSeconds * 1000,
    },
    tickets: derived.map(({ id, defaults, issuer }) => ({
      type: id,
      refresh: {
        aheadMs: defaults.aheadSeconds * 1000,
        jitterMs: defaults.jitterSeconds * 1000,
        dailyBudget: defaults.dailyBudget,
        forcedDailyBudget: defaults.forcedDailyBudget,
        verifyReports: defaults.verifyReports,
      },
      issuer: (source) => issuer({ egress, source }),
    })),
  };
}

function virtualTokens({ config: { encryption, redis } }: Runtime, clock: Clock): VirtualTokens {
  const keys = encryption?.keys ?? [];
  const decoded = keys.map(({ key }) => Buffer.from(key.value(), 'base64'));
  return new VirtualTokens(decoded, redis?.keyPrefix ?? '', clock);
}

function gatewaySettings({ config: { apps, gateway } }: Runtime, egresses: Egresses): GatewaySettings {
  return {
    maxInFlightPerApp: gateway.maxInFlightPerApp,
    spoolDirectory: gateway.spoolDirectory ?? null,
    apps: apps.flatMap((app) => {
      const platform = platformOf(app.provider);
      const profile = platform.gateway?.(app);
      const timeoutMs = (gateway.timeoutSeconds ?? app.refresh.upstreamTimeoutSeconds) * 1000;
      if (!profile) return [];
      const egress = egressOf(egresses, app);
      return [
        {
          name: app.name,
          profile,
          errors: platform.errors,
          timeoutMs,
          connect: (target, options) => egress.connect(target, options),
        },
      ];
    }),
  };
}
