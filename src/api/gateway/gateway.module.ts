import { Module } from '@nestjs/common';
import { HealthModule } from '../health/health.controller.js';
import { GatewayTickets } from './gateway-tickets.js';
import { Gateway } from './gateway.js';
import { GatewayRoute } from './gateway.route.js';

/** Calls to platforms by callers that hold no token. Needs global `GatewaySettings` and `GatewayObserver`. */
@Module({
  imports: [HealthModule],
  providers: [Gateway, GatewayTickets, GatewayRoute],
  exports: [Gateway, GatewayTickets],
})
export class GatewayModule {}
