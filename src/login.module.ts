import { Global, Module } from '@nestjs/common';
import { Backend } from './backend.js';
import { APP_DEFINITIONS, BrokerModule, EGRESSES, egressOf, type Egresses } from './broker.module.js';
import type { AppDefinition, TokenlessApp } from './core/app-definition.js';
import { appTokens } from './core/app-tokens.js';
import { TokenBroker } from './core/broker.js';
import type { LoginApp } from './core/login/login-app.js';
import { LoginService } from './core/login/login-service.js';
import { Clock } from './core/ports/clock.js';
import { EventSink } from './core/ports/events.js';
import { platformOf } from './platforms/registry.js';
import { Runtime } from './runtime.module.js';

/** Logins, on the storage, the platforms and the AppSecrets that tokens are fetched with. */
@Global()
@Module({
  imports: [BrokerModule],
  providers: [
    {
      provide: LoginService,
      inject: [Runtime, APP_DEFINITIONS, EGRESSES, TokenBroker, Backend, Clock, EventSink],
      useFactory: (
        { config }: Runtime,
        definitions: readonly (AppDefinition | TokenlessApp)[],
        egresses: Egresses,
        broker: TokenBroker,
        { logins }: Backend,
        clock: Clock,
        events: EventSink,
      ) => {
        const apps = config.apps.flatMap((app, index): LoginApp[] => {
          const definition = definitions[index];
          const login = platformOf(app.provider).login?.(app, egressOf(egresses, app));
          if (!login || !definition) return [];
          return [
            {
              name: app.name,
              provider: app.provider,
              appId: app.appId,
              login,
              redirectUris: app.login?.redirectUris ?? [],
              callbackBaseUrl: app.login?.callbackBaseUrl ?? null,
              timeoutMs: app.refresh.upstreamTimeoutSeconds * 1000,
              secrets: definition.secrets,
              tokens: appTokens(broker, app.name, 'broker:login'),
            },
          ];
        });
        return new LoginService(apps, { ...logins, clock, events });
      },
    },
  ],
  exports: [LoginService],
})
export class LoginModule {}
