import type { AuditSection, TracingSection } from '../config/config.js';
import { Clock } from '../core/ports/clock.js';
import type { EventSink } from '../core/ports/events.js';
import {
  AuditTrail,
  HttpObserver,
  NO_TRACING,
  RequestTracing,
  IdentityObserver,
} from '../api/common/request.js';
import { AuditLog, AuditFile } from '../observability/audit-log.js';
import { LogObserver } from '../observability/log.observer.js';
import { Global, Module } from '@nestjs/common';
import { TlsObserver } from '../api/common/listener.js';
import { GatewayObserver } from '../api/gateway/gateway-observer.js';
import { MetricsSource } from '../api/metrics/metrics.controller.js';
import {
  CountingHttpObserver,
  CertificateLog,
  IdentityLog,
  CountingGatewayObserver,
} from '../observability/edge.observer.js';
import { Metrics } from '../observability/metrics.js';
import { readVersion } from '../observability/read-version.js';
import { passingErrcodes } from '../platforms/registry.js';
import { Runtime } from './runtime.module.js';
import { createAuditLogger, type LogDestination, type Logger } from '../observability/logger.js';
import { UseCounts } from '../observability/use-counts.js';
import type { Tracing } from '../observability/tracing.js';

/** Log, audit stream and traces, as configured; what ends them, too. */
export class Telemetry {
  readonly requestTracing: RequestTracing;
  /** Whom the core tells what happens. */
  readonly sinks: readonly EventSink[];

  private constructor(
    readonly audit: AuditTrail,
    /** Where there is a console. */
    readonly use: UseCounts | null,
    private readonly closing: readonly { close(): void | Promise<void> }[],
    log: LogObserver,
    tracing: Tracing | null,
  ) {
    this.requestTracing = tracing ?? NO_TRACING;
    this.sinks = tracing ? [log, tracing] : [log];
  }

  static async start({ config, logger, redactor, replica }: Runtime, clock: Clock): Promise<Telemetry> {
    const destination = auditDestination(config.audit, logger);
    const audit = new AuditLog(createAuditLogger(redactor, destination), config.audit.reads, clock);
    const log = new LogObserver(logger, clock);
    const tracing = config.tracing ? await startTracing(config.tracing, replica, clock, logger) : null;
    const use = config.console ? new UseCounts(audit, clock) : null;
    return new Telemetry(use ?? audit, use, [audit, log, ...(tracing ? [tracing] : [])], log, tracing);
  }

  /** Writes and sends what is left; takes a few seconds at most. */
  async close(): Promise<void> {
    for (const part of this.closing) await part.close();
  }
}

function metrics({ config }: Runtime): Metrics {
  const all = new Metrics(readVersion(), passingErrcodes());
  all.configure(config.metrics);
  return all;
}

function auditDestination({ destination }: AuditSection, logger: Logger): LogDestination {
  if (destination === 'stdout') return process.stdout;
  return destination === 'stderr' ? process.stderr : new AuditFile(destination, logger);
}

/** The libraries are loaded only when they are wanted: they take memory, and time at the start. */
async function startTracing(
  { endpoint, sampleRatio, headers }: TracingSection,
  replica: string,
  clock: Clock,
  logger: Logger,
): Promise<Tracing> {
  const { Tracing } = await import('../observability/tracing.js');
  const values = Object.entries(headers).map(([name, secret]): [string, string] => [name, secret.value()]);
  return new Tracing({ endpoint, sampleRatio, headers: Object.fromEntries(values), replica }, clock, logger);
}

/** What is told of everything that happens: log, audit stream, metrics and traces. */
@Global()
@Module({
  providers: [
    { provide: Telemetry, inject: [Runtime, Clock], useFactory: Telemetry.start.bind(Telemetry) },
    { provide: Metrics, inject: [Runtime], useFactory: metrics },
    { provide: MetricsSource, useExisting: Metrics },
    {
      provide: GatewayObserver,
      inject: [Metrics],
      useFactory: ({ catalogue }: Metrics): GatewayObserver => new CountingGatewayObserver(catalogue),
    },
    {
      provide: IdentityObserver,
      inject: [Metrics, Runtime, Clock],
      useFactory: ({ catalogue }: Metrics, { logger }: Runtime, clock: Clock): IdentityObserver =>
        new IdentityLog(logger, catalogue, clock),
    },
    {
      provide: TlsObserver,
      inject: [Metrics, Runtime],
      useFactory: ({ catalogue }: Metrics, { logger }: Runtime): TlsObserver =>
        new CertificateLog(logger, catalogue),
    },
    { provide: AuditTrail, inject: [Telemetry], useFactory: ({ audit }: Telemetry) => audit },
    {
      provide: RequestTracing,
      inject: [Telemetry],
      useFactory: ({ requestTracing }: Telemetry) => requestTracing,
    },
    {
      provide: HttpObserver,
      inject: [Metrics, Runtime, Clock],
      useFactory: (metrics: Metrics, { logger }: Runtime, clock: Clock): HttpObserver =>
        new CountingHttpObserver(metrics, logger, clock),
    },
  ],
  exports: [
    Telemetry,
    Metrics,
    MetricsSource,
    AuditTrail,
    RequestTracing,
    HttpObserver,
    GatewayObserver,
    IdentityObserver,
    TlsObserver,
  ],
})
export class TelemetryModule {}
