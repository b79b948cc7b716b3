import {
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { AppsModule } from './api/apps/apps.controller.js';
import { AuthModule } from './api/auth/auth.module.js';
import { AdminPort, AdminPortModule } from './api/common/admin-port.js';
import { ConfigStatusModule } from './api/config/config.controller.js';
import { EdgeModule } from './api/common/edge.module.js';
import { GatewayModule } from './api/gateway/gateway.module.js';
import { HealthModule } from './api/health/health.controller.js';
import { Readiness } from './api/health/readiness.js';
import { LoginApiModule } from './api/login/login.controller.js';
import { MetricsModule } from './api/metrics/metrics.controller.js';
import { OAuth2Module } from './api/oauth2/oauth2.controller.js';
import { TicketsModule } from './api/tickets/ticket.controller.js';
import { TokensModule } from './api/tokens/tokens.module.js';
import { UsersModule } from './api/users/users.controller.js';
import { Backend } from './composition/backend.js';
import { BrokerModule, JobsModule } from './composition/broker.module.js';
import { WechatCompatModule } from './compat/wechat/drop-in.route.js';
import { WecomCompatModule } from './compat/wecom/gettoken.route.js';
import { ConsoleModule } from './composition/console.module.js';
import { TokenBroker } from './core/broker.js';
import { LoginService } from './core/login/login-service.js';
import { Clock, sleep } from './core/ports/clock.js';
import { LiveConfigModule } from './live/config-files.js';
import { Runtime, RuntimeModule } from './composition/runtime.module.js';
import { Telemetry, TelemetryModule } from './composition/telemetry.module.js';

/** How long a stop waits for Redis, to store what only this process has. */
const FLUSH_MS = 3000;

/** The list of modules, and the order in which their parts start and stop. */
@Module({})
export class AppModule
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  constructor(
    private readonly runtime: Runtime,
    private readonly clock: Clock,
    private readonly broker: TokenBroker,
    private readonly logins: LoginService,
    private readonly readiness: Readiness,
    private readonly backend: Backend,
    private readonly telemetry: Telemetry,
  ) {}

  static forRoot(runtime: Runtime): DynamicModule {
    return {
      module: AppModule,
      imports: [
        RuntimeModule.forRoot(runtime),
        TelemetryModule,
        BrokerModule,
        AuthModule.forRootAsync({
          inject: [Runtime],
          useFactory: ({ config: { clients, identities, rate, auth, limits } }: Runtime) => ({
            clients,
            issuers: identities?.jwt ?? [],
            rate,
            auth,
            limits,
          }),
        }),
        AdminPortModule.forRootAsync({
          inject: [Runtime],
          useFactory: ({ config: { server } }: Runtime) =>
            new AdminPort(server.adminPort ?? null, server.tls),
        }),
        EdgeModule,
        TokensModule,
        TicketsModule,
        OAuth2Module,
        LoginApiModule,
        GatewayModule,
        UsersModule,
        AppsModule,
        HealthModule,
        MetricsModule,
        WechatCompatModule,
        WecomCompatModule,
        ConfigStatusModule,
        ...(runtime.config.console ? [ConsoleModule] : []),
        LiveConfigModule,
        JobsModule,
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
    await sleep(this.clock, this.runtime.config.server.drainSeconds * 1000);
  }

  /** Still serves while fetches that were sent come back, and renewed sessions are stored; the server closes afterwards. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.all([this.broker.stop(), this.logins.flush(FLUSH_MS)]);
  }

  async onApplicationShutdown(): Promise<void> {
    this.backend.close();
    await this.telemetry.close();
  }
}
