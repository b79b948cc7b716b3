import { Global, Injectable, Module } from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import { TokenBroker } from '../core/broker.js';
import { LoginService } from '../core/login/login-service.js';
import { Clock } from '../core/ports/clock.js';
import { EventSink, EventSinks } from '../core/ports/events.js';
import { GatewaySettings } from '../core/ports/gateway-profile.js';
import { LiveTokens } from '../core/redaction/redactor.js';
import { TicketBroker } from '../core/ticket-broker.js';
import { VirtualTokens } from '../core/virtual-tokens.js';
import { MeasuredTokenStore } from '../observability/measured-token-store.js';
import { Metrics, MetricsObserver } from '../observability/metrics.js';
import { passingErrcodes } from '../platforms/registry.js';
import { Backend } from './backend.js';
import { ConfiguredApps } from './configured-apps.js';
import { Runtime } from './runtime.module.js';
import { Telemetry } from './telemetry.module.js';

/** The core, on the storage and the platforms that are configured. Logins use the AppSecrets that tokens are fetched with. */
@Global()
@Module({
  providers: [
    { provide: Backend, inject: [Runtime, ConfiguredApps, Clock, Metrics], useFactory: backend },
    {
      provide: ConfiguredApps,
      inject: [Runtime],
      useFactory: ({ config }: Runtime) => new ConfiguredApps(config),
    },
    {
      provide: EventSink,
      inject: [Metrics, Telemetry],
      useFactory: ({ catalogue }: Metrics, { sinks }: Telemetry) =>
        new EventSinks(...sinks, new MetricsObserver(catalogue, [...passingErrcodes().values()].flat())),
    },
    {
      provide: TokenBroker,
      inject: [Runtime, ConfiguredApps, Backend, Clock, Metrics, EventSink],
      useFactory: tokenBroker,
    },
    {
      provide: TicketBroker,
      inject: [TokenBroker],
      useFactory: (broker: TokenBroker) => new TicketBroker(broker),
    },
    {
      provide: LoginService,
      inject: [ConfiguredApps, TokenBroker, Backend, Clock, EventSink],
      useFactory: loginService,
    },
    {
      provide: GatewaySettings,
      inject: [ConfiguredApps],
      useFactory: (apps: ConfiguredApps) => apps.gateway(),
    },
    { provide: VirtualTokens, inject: [Runtime, Clock], useFactory: virtualTokens },
  ],
  exports: [
    ConfiguredApps,
    Backend,
    EventSink,
    TokenBroker,
    TicketBroker,
    LoginService,
    GatewaySettings,
    VirtualTokens,
  ],
})
export class BrokerModule {}

function backend(
  { config, logger }: Runtime,
  apps: ConfiguredApps,
  clock: Clock,
  { catalogue }: Metrics,
): Promise<Backend> {
  return Backend.of(config, apps, clock, logger, catalogue);
}

function tokenBroker(
  { config, redactor, replica }: Runtime,
  apps: ConfiguredApps,
  { ports }: Backend,
  clock: Clock,
  metrics: Metrics,
  events: EventSink,
): TokenBroker {
  const store = new MeasuredTokenStore(ports.store, clock, metrics.catalogue);
  const broker = new TokenBroker(
    apps.definitions(),
    { ...ports, store, clock, events, replica },
    config.limits,
  );
  metrics.watch(broker);
  const liveTokens = new LiveTokens(redactor);
  broker.subscribeAll((app, { record }) => {
    liveTokens.add(app, record.value);
  });
  return broker;
}

function loginService(
  apps: ConfiguredApps,
  broker: TokenBroker,
  { logins }: Backend,
  clock: Clock,
  events: EventSink,
): LoginService {
  return new LoginService(apps.logins(broker), { ...logins, clock, events });
}

function virtualTokens({ config: { encryption, redis } }: Runtime, clock: Clock): VirtualTokens {
  const keys = encryption?.keys ?? [];
  const decoded = keys.map(({ key }) => Buffer.from(key.value(), 'base64'));
  return new VirtualTokens(decoded, redis?.keyPrefix ?? '', clock);
}

const TICK_MS = 250;

/** Ticks. What is due, and when, the broker's scheduler knows. */
@Injectable()
class RenewalJob {
  constructor(private readonly broker: TokenBroker) {}

  @Interval('due', TICK_MS)
  run(): void {
    this.broker.runDue();
  }
}

/** The timer. It starts when the application has started, and stops with it. Needs a global `TokenBroker`. */
@Module({ imports: [ScheduleModule.forRoot()], providers: [RenewalJob] })
export class JobsModule {}
