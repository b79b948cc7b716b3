import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AdminListener } from './admin-port.js';
import { HealthModule } from '../health/health.controller.js';
import { OpenConnections } from './open-connections.js';
import { ProblemFilter } from './problem.filter.js';
import { RequestsInFlight, ResponseHooks } from './request-hooks.js';

/** What all routes have in common. It needs the adapter that `createFastifyAdapter` makes, and the global `AdminPort`, `HttpObserver`, `AuditTrail` and `RequestTracing`. */
@Module({
  imports: [HealthModule],
  providers: [
    OpenConnections,
    AdminListener,
    RequestsInFlight,
    ResponseHooks,
    { provide: APP_FILTER, useClass: ProblemFilter },
  ],
})
export class EdgeModule {}
