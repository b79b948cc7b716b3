import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BasicTracerProvider,
  BatchSpanProcessor,
  type ReadableSpan,
  type SpanExporter,
} from '@opentelemetry/sdk-trace-base';
import type { IncomingMessage } from 'node:http';
import type { Logger } from 'pino';
import { requestContext, EventSink, type BrokerEvent } from '../core/ports/events.js';
import { sleep, type Clock } from '../core/ports/clock.js';

const CALL = { kind: SpanKind.CLIENT };
const SERVICE = 'access-token-broker';
const EXPORT_TIMEOUT_MS = 5000;
/** A collector that hangs must not hold up the end of the process. */
const FLUSH_MS = 2000;

export interface TracingSettings {
  readonly endpoint: string;
  /** The share of traces that is kept, from 0 to 1. A trace that a caller has begun is kept as the caller says. */
  readonly sampleRatio: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly replica: string;
}

/** One request, as far as the broker sees it. Its attributes are ours alone: no URL, header or body is among them. */
class TracedRequest {
  readonly context: Context;

  constructor(private readonly span: Span) {
    this.context = trace.setSpan(ROOT_CONTEXT, span);
  }

  end(route: string, method: string, status: number): void {
    this.span.updateName(`${method} ${route}`);
    this.span.setAttributes({
      'http.request.method': method,
      'http.route': route,
      'http.response.status_code': status,
    });
    if (status >= 500) this.span.setStatus({ code: SpanStatusCode.ERROR });
    this.span.end();
  }
}

/** The span that the caller began; null when there is none. Its `tracestate` is left behind: it is anybody's text. */
export function parentOf({ headers: { traceparent } }: IncomingMessage): SpanContext | null {
  const parsed = typeof traceparent === 'string' ? parseTraceParent(traceparent) : null;
  return parsed && { ...parsed, traceFlags: parsed.traceFlags & TraceFlags.SAMPLED, isRemote: true };
}

/** Spans of requests, and of the fetches, probes and reports that they cause, sent to a collector by OTLP over HTTP. */
export class Tracing extends EventSink {
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;
  private readonly sampleRatio: number;
  private readonly requests = new WeakMap<IncomingMessage, TracedRequest | null>();

  constructor(
    { endpoint, headers, sampleRatio, replica }: TracingSettings,
    private readonly clock: Clock,
    logger: Logger,
  ) {
    super();
    const exporter = new OTLPTraceExporter({
      url: endpoint,
      headers: { ...headers },
      timeoutMillis: EXPORT_TIMEOUT_MS,
    });
    this.provider = new BasicTracerProvider({
      resource: resourceFromAttributes({ 'service.name': SERVICE, 'service.instance.id': replica }),
      sampler: new AlwaysOnSampler(),
      spanProcessors: [new BatchSpanProcessor(new WatchedExporter(exporter, logger))],
    });
    this.tracer = this.provider.getTracer(SERVICE);
    this.sampleRatio = sampleRatio;
  }

  begin(request: IncomingMessage, isCallerKnown: () => boolean): TracedRequest | null {
    const begun = this.requests.get(request);
    if (begun !== undefined) return begun;
    const traced = this.decide(request, isCallerKnown);
    this.requests.set(request, traced);
    return traced;
  }

  of(request: IncomingMessage): TracedRequest | null {
    return this.requests.get(request) ?? null;
  }

  override emit(event: BrokerEvent): void {
    const { app } = event;
    if (event.kind === 'fetch_ended') {
      const { reason, outcome, errcode, durationMs } = event;
      const isFailed = outcome !== 'issued';
      this.add('token.fetch', { ...CALL, durationMs, isFailed }, { app, reason, outcome, errcode });
    }
    if (event.kind === 'probed') {
      const { outcome, durationMs } = event;
      this.add('token.probe', { ...CALL, durationMs, isFailed: outcome === 'no_answer' }, { app, outcome });
    }
    if (event.kind === 'reported') {
      const { result, errcode, durationMs } = event;
      this.add('token.report', { kind: SpanKind.INTERNAL, durationMs }, { app, outcome: result, errcode });
    }
  }

  /** Sends what is left, for a while. */
  async close(): Promise<void> {
    await Promise.race([this.provider.shutdown().catch(() => undefined), sleep(this.clock, FLUSH_MS)]);
  }

  /** The libraries' samplers would make a span first and then throw it away, which costs as much as the rest of a request. */
  private decide(request: IncomingMessage, isCallerKnown: () => boolean): TracedRequest | null {
    const parent = parentOf(request);
    // A traced request costs four times as much: a stranger must not decide that it is one.
    const isTraced = parent && isCallerKnown() ? parent.traceFlags > 0 : this.isPicked();
    if (!isTraced) return null;
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return new TracedRequest(this.tracer.startSpan('request', { kind: SpanKind.SERVER }, context));
  }

  private isPicked(): boolean {
    return this.clock.random() < this.sampleRatio;
  }

  /** A span of something that has just ended. */
  private add(
    name: string,
    { kind, durationMs, isFailed }: { kind: SpanKind; durationMs: number; isFailed?: boolean },
    about: Readonly<Record<string, string | number | null>>,
  ): void {
    const request = requestContext.getStore();
    const parent = request?.trace;
    const isTraced = request ? parent instanceof TracedRequest : this.isPicked();
    if (!isTraced) return;
    const context = parent instanceof TracedRequest ? parent.context : ROOT_CONTEXT;
    const endMs = this.clock.wallMs();
    const span = this.tracer.startSpan(name, { kind, startTime: endMs - durationMs }, context);
    for (const [key, value] of Object.entries(about)) {
      if (value !== null) span.setAttribute(`tokenbroker.${key}`, value);
    }
    if (isFailed) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(endMs);
  }
}

/** `ExportResultCode.SUCCESS`, of a package that this one does not name. */
const SUCCESS = 0;

type Done = Parameters<SpanExporter['export']>[1];

/** Says once when spans cannot be sent, and once when they can again: the libraries are silent about it. */
export class WatchedExporter implements SpanExporter {
  private isFailing = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly logger: Logger,
  ) {}

  export(spans: ReadableSpan[], done: Done): void {
    this.exporter.export(spans, (result) => {
      // It is nobody's request that the collector fails.
      requestContext.exit(() => {
        this.tell(result);
      });
      done(result);
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private tell({ code, error }: Parameters<Done>[0]): void {
    const failed = (code as number) !== SUCCESS;
    if (failed === this.isFailing) return;
    this.isFailing = failed;
    if (failed) {
      this.logger.warn(
        { event: 'tracing.unavailable', err: error },
        'the collector takes no spans; those of now are lost, requests are not affected',
      );
    } else this.logger.info({ event: 'tracing.available' }, 'the collector takes spans again');
  }
}
