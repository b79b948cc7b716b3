import { Global, Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TokenBroker } from '../../core/broker.js';
import { Clock } from '../../core/ports/clock.js';
import { ApiKeyGuard, Authenticator, JwtHook } from './api-key.guard.js';
import { Callers, type CallerSettings } from './callers.js';
import { HttpObserver, IdentityObserver } from '../common/request.js';
import { ClientLimits, type LimitSettings } from '../limits/client-limits.js';
import { HeldRequests } from '../limits/held-requests.js';

const SETTINGS = Symbol('who may call');

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
