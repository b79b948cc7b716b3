import type { AppName } from '../core/token.js';
import type { MetricCatalogue } from './metric-catalogue.js';

/** Turns what becomes of calls through the gateway into numbers. */
export class CountingGatewayObserver {
  constructor(private readonly catalogue: MetricCatalogue) {}

  called(app: AppName, path: string, outcome: string, durationMs: number, upstreamMs: number | null): void {
    const { gatewayRequests, gatewayDuration, gatewayUpstreamDuration } = this.catalogue;
    gatewayRequests.add({ app, path, outcome });
    gatewayDuration.observe(app, durationMs / 1000);
    if (upstreamMs !== null) gatewayUpstreamDuration.observe(app, upstreamMs / 1000);
  }

  inFlight(app: AppName, count: number, limit: number): void {
    this.catalogue.gatewayInFlight.set({ app }, count);
    this.catalogue.gatewayInFlightLimit.set({ app }, limit);
  }

  retried(app: AppName): void {
    this.catalogue.gatewayRetries.add({ app });
  }
}
