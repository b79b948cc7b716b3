import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { TokenBroker } from '../core/broker.js';
import { ApiKeyGuard } from './auth/api-key.guard.js';
import { AppsByAppId } from '../compat/wechat/apps-by-app-id.js';
import { AppsController } from './apps/apps.controller.js';
import { ApiKeys } from './auth/api-keys.js';
import { DropInTickets } from '../compat/wechat/drop-in-tickets.js';
import { DropInTokens } from '../compat/wechat/drop-in-tokens.js';
import { DropInRoute } from '../compat/wechat/drop-in.route.js';
import { Authenticator } from './auth/authenticator.js';
import { HealthController } from './health/health.controller.js';
import type { ClientSection } from '../config/client.section.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { OpenConnections } from './common/open-connections.js';
import { OAuth2Controller } from './oauth2/oauth2.controller.js';
import { ProblemFilter } from './common/problem.filter.js';
import { Readiness } from './health/readiness.js';
import { RequestsInFlight } from './common/requests-in-flight.js';
import { RefreshController } from './tokens/refresh.controller.js';
import { ResponseHooks } from './common/response-hooks.js';
import { TicketController } from './tickets/ticket.controller.js';
import { TokenEventStreams } from './tokens/token-event-streams.js';
import { TokenEventsRoute } from './tokens/token-events.route.js';
import { TokenRoute } from './tokens/token.route.js';

export interface HttpModuleOptions {
  /** Modules that export `TokenBroker`, `TicketBroker`, `Clock`, `HttpObserver` and `MetricsSource`. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly clients: readonly ClientSection[];
}

/** The HTTP edge. It needs the adapter that `createFastifyAdapter` makes. */
@Module({})
export class HttpModule {
  static register({ imports, clients }: HttpModuleOptions): DynamicModule {
    return {
      module: HttpModule,
      imports,
      controllers: [
        OAuth2Controller,
        RefreshController,
        TicketController,
        AppsController,
        HealthController,
        MetricsController,
      ],
      providers: [
        {
          provide: ApiKeys,
          inject: [TokenBroker],
          useFactory: (broker: TokenBroker) => new ApiKeys(clients, broker.apps),
        },
        Authenticator,
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
