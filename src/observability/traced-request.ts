import { ROOT_CONTEXT, SpanStatusCode, trace, type Context, type Span } from '@opentelemetry/api';

/** One request, as far as the broker sees it. Its attributes are ours alone: no URL, header or body is among them. */
export class TracedRequest {
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
