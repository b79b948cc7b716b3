import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { TokenBroker } from '../core/token-broker.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { AppsByAppId } from './apps-by-app-id.js';
import { AppsController } from './apps.controller.js';
import { Authenticator } from './authenticator.js';
import { DropInTickets } from './drop-in-tickets.js';
import { DropInTokens } from './drop-in-tokens.js';
import { DropInRoute } from './drop-in.route.js';
import { Gatekeeper } from './gatekeeper.js';
import { HealthController } from './health.controller.js';
import type { ApiClient } from './http-settings.js';
import { MetricsController } from './metrics.controller.js';
import { OpenConnections } from './open-connections.js';
import { ProblemFilter } from './problem.filter.js';
import { Readiness } from './readiness.js';
import { RequestsInFlight } from './requests-in-flight.js';
import { RefreshController } from './refresh.controller.js';
import { ResponseHooks } from './response-hooks.js';
import { TicketController } from './ticket.controller.js';
import { TokenEventStreams } from './token-event-streams.js';
import { TokenEventsRoute } from './token-events.route.js';
import { TokenRoute } from './token.route.js';

export interface HttpModuleOptions {
  /** Modules that export `TokenBroker`, `TicketBroker`, `Clock`, `HttpObserver` and `MetricsSource`. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly clients: readonly ApiClient[];
}

/** The HTTP edge. It needs the adapter that `createFastifyAdapter` makes. */
@Module({})
export class HttpModule {
  static register({ imports, clients }: HttpModuleOptions): DynamicModule {
    return {
      module: HttpModule,
      imports,
      controllers: [RefreshController, TicketController, AppsController, HealthController, MetricsController],
      providers: [
        {
          provide: Authenticator,
          inject: [TokenBroker],
          useFactory: (broker: TokenBroker) => new Authenticator(clients, broker.apps),
        },
        Gatekeeper,
        OpenConnections,
        Readiness,
        RequestsInFlight,
        ResponseHooks,
        TokenRoute,
        TokenEventStreams,
        TokenEventsRoute,
        AppsByAppId,
        DropInTickets,
        DropInTokens,
        DropInRoute,
        { provide: APP_GUARD, useClass: ApiKeyGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
      exports: [Readiness],
    };
  }
}
