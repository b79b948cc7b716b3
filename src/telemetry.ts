import type { AuditSection, Config, TracingSection } from './config/config.js';
import type { Clock } from './core/ports/clock.js';
import type { EventSink } from './core/ports/events.js';
import type { Redactor } from './core/redaction/redactor.js';
import type { AuditTrail, RequestTracing } from './api/common/ports.js';
import { AuditFile } from './observability/audit-file.js';
import { AuditLog } from './observability/audit-log.js';
import { LogObserver } from './observability/log.observer.js';
import { createAuditLogger, type LogDestination, type Logger } from './observability/logger.js';
import type { Tracing } from './observability/tracing.js';

export interface TelemetryOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly redactor: Redactor;
  readonly clock: Clock;
  readonly replica: string;
}

const NO_TRACING: RequestTracing = { begin: () => null, of: () => null };

/** Log, audit stream and traces, as configured; what ends them, too. */
export class Telemetry {
  readonly requestTracing: RequestTracing;
  /** Whom the core tells what happens. */
  readonly observers: readonly EventSink[];

  private constructor(
    readonly audit: AuditTrail,
    private readonly closing: readonly { close(): void | Promise<void> }[],
    log: LogObserver,
    tracing: Tracing | null,
  ) {
    this.requestTracing = tracing ?? NO_TRACING;
    this.observers = tracing ? [log, tracing] : [log];
  }

  static async start({ config, logger, redactor, clock, replica }: TelemetryOptions): Promise<Telemetry> {
    const destination = auditDestination(config.audit, logger);
    const audit = new AuditLog(createAuditLogger(redactor, destination), config.audit.reads, clock);
    const log = new LogObserver(logger, clock);
    const tracing = config.tracing ? await startTracing(config.tracing, replica, clock, logger) : null;
    return new Telemetry(audit, [audit, log, ...(tracing ? [tracing] : [])], log, tracing);
  }

  /** Writes and sends what is left; takes a few seconds at most. */
  async close(): Promise<void> {
    for (const part of this.closing) await part.close();
  }
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
  const { Tracing } = await import('./observability/tracing.js');
  const values = Object.entries(headers).map(([name, secret]): [string, string] => [name, secret.value()]);
  return new Tracing({ endpoint, sampleRatio, headers: Object.fromEntries(values), replica }, clock, logger);
}
