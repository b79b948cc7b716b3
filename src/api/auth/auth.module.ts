import {
  Global,
  Injectable,
  Module,
  type DynamicModule,
  type FactoryProvider,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { TokenBroker } from '../../core/broker.js';
import { Clock } from '../../core/ports/clock.js';
import { ApiKeyGuard, Authenticator } from './api-key.guard.js';
import { Callers, type CallerSettings } from './callers.js';
import { HttpObserver, IdentityObserver } from '../common/request.js';
import { ClientLimits, type LimitSettings } from '../limits/client-limits.js';
import { HeldRequests } from '../limits/held-requests.js';

const SETTINGS = Symbol('who may call');

/** Has the JWT of a request verified before a route asks whose it is. */
@Injectable()
class JwtHook implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly callers: Callers,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    fastify.addHook('onRequest', (request, { raw }, done) => {
      const isPublic = request.is404 || request.routeOptions.config.api?.access === 'public';
      const verified = isPublic ? undefined : this.callers.verify(request.raw);
      if (verified === undefined) done();
      else
        verified.then(() => {
          // The one `close` of an answer is over then: what waits for it afterwards would count this request for good.
          if (!raw.destroyed) done();
        }, done);
    });
  }

  onApplicationShutdown(): void {
    this.callers.close();
  }
}

/** Who may call what. Closes every controller route that is not declared to be public. Needs a global `TokenBroker`, `Clock`, `HttpObserver` and `IdentityObserver`. */
@Global()
@Module({})
export class AuthModule {
  static forRootAsync(
    settings: Pick<FactoryProvider<CallerSettings & LimitSettings>, 'inject' | 'useFactory'>,
  ): DynamicModule {
    return {
      module: AuthModule,
      providers: [
        { ...settings, provide: SETTINGS },
        {
          provide: Callers,
          inject: [SETTINGS, TokenBroker, Clock, IdentityObserver],
          useFactory: (
            known: CallerSettings,
            { apps }: TokenBroker,
            clock: Clock,
            observer: IdentityObserver,
          ) => new Callers(known, apps, clock, observer),
        },
        {
          provide: ClientLimits,
          inject: [SETTINGS, Clock, HttpObserver],
          useFactory: (limits: LimitSettings, clock: Clock, observer: HttpObserver) =>
            new ClientLimits(limits, clock, observer),
        },
        HeldRequests,
        Authenticator,
        JwtHook,
        { provide: APP_GUARD, useClass: ApiKeyGuard },
      ],
      exports: [Callers, Authenticator, ClientLimits, HeldRequests],
    };
  }
}
