import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.controller.js';
import { RefreshController } from './refresh.controller.js';
import { TokenEventStreams } from './token-event-streams.js';
import { TokenEventsRoute } from './token-events.route.js';
import { TokenRoute } from './token.route.js';

/** The current token, asked for and pushed, and reports that it is dead. */
@Module({
  imports: [HealthModule],
  controllers: [RefreshController],
  providers: [TokenRoute, TokenEventStreams, TokenEventsRoute],
  exports: [TokenEventStreams],
})
export class TokensModule {}
