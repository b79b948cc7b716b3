import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace-base';
import type { Logger } from 'pino';
import { requestContext } from '../core/request-context.js';

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
