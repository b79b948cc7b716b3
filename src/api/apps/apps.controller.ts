import { Controller, Get } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { appView, type AppView } from './app-view.js';
import { Caller } from '../auth/caller.decorator.js';
import type { ClientAccess } from '../auth/client-access.js';

/** The caller's apps and how they fare. */
@Controller('apps')
export class AppsController {
  constructor(private readonly broker: TokenBroker) {}

  @Get()
  list(@Caller() client: ClientAccess): AppView[] {
    return client.apps.map((app) => appView(this.broker.status(app)));
  }
}
