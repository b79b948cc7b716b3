import { Counter, Registry, collectDefaultMetrics } from 'prom-client';

const PREFIX = 'tokenbroker_';

/** All metrics: names, labels and what they count. */
export class Metrics {
  private readonly registry = new Registry();
  private readonly requests = new Counter({
    name: `${PREFIX}http_requests_total`,
    help: 'Answered HTTP requests. `route` is the pattern, never the URL.',
    labelNames: ['route', 'method', 'code'] as const,
    registers: [this.registry],
  });
  private readonly denials = new Counter({
    name: `${PREFIX}auth_failures_total`,
    help: 'Requests that were turned away for their API key.',
    labelNames: ['reason'] as const,
    registers: [this.registry],
  });
  /** `inc` looks its labels up by a serialized key; the hot route would pay for that at every request. */
  private readonly pending = new Map<string, { labels: Labels; count: number }>();

  constructor() {
    collectDefaultMetrics({ register: this.registry });
  }

  countRequest(route: string, method: string, status: number): void {
    const key = `${route} ${method} ${status}`;
    const entry = this.pending.get(key);
    if (entry) entry.count += 1;
    else this.pending.set(key, { labels: { route, method, code: String(status) }, count: 1 });
  }

  countDenial(reason: string): void {
    this.denials.inc({ reason });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The text that Prometheus scrapes. */
  async render(): Promise<string> {
    for (const { labels, count } of this.pending.values()) this.requests.inc(labels, count);
    this.pending.clear();
    return this.registry.metrics();
  }
}

interface Labels {
  readonly route: string;
  readonly method: string;
  readonly code: string;
}
