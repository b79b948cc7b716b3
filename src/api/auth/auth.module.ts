import { Global, Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { TokenBroker } from '../../core/broker.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { ApiKeys } from './client-access.js';
import { Authenticator } from './authenticator.js';
import type { ClientSection } from '../../config/client.section.js';

const CLIENTS = Symbol('clients');

/** Who may call what. Closes every controller route that is not declared to be public. Needs a global `TokenBroker`. */
@Global()
@Module({})
export class AuthModule {
  static forRootAsync(
    clients: Pick<FactoryProvider<readonly ClientSection[]>, 'inject' | 'useFactory'>,
  ): DynamicModule {
    return {
      module: AuthModule,
      providers: [
        { ...clients, provide: CLIENTS },
        {
          provide: ApiKeys,
          inject: [CLIENTS, TokenBroker],
          useFactory: (known: readonly ClientSection[], { apps }: TokenBroker) => new ApiKeys(known, apps),
        },
        Authenticator,
        { provide: APP_GUARD, useClass: ApiKeyGuard },
      ],
      exports: [ApiKeys, Authenticator],
    };
  }
}
