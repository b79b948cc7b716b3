import { Global, Module } from '@nestjs/common';
import { Backend } from './backend.js';
import { BrokerModule } from './broker.module.js';
import { ConfiguredApps } from './configured-apps.js';
import { TokenBroker } from '../core/broker.js';
import { LoginService } from '../core/login/login-service.js';
import { Clock } from '../core/ports/clock.js';
import { EventSink } from '../core/ports/events.js';

/** Logins, on the storage, the platforms and the AppSecrets that tokens are fetched with. */
@Global()
@Module({
  imports: [BrokerModule],
  providers: [
    {
      provide: LoginService,
      inject: [ConfiguredApps, TokenBroker, Backend, Clock, EventSink],
      useFactory: (
        apps: ConfiguredApps,
        broker: TokenBroker,
        { logins }: Backend,
        clock: Clock,
        events: EventSink,
      ) => new LoginService(apps.logins(broker), { ...logins, clock, events }),
    },
  ],
  exports: [LoginService],
})
export class LoginModule {}
