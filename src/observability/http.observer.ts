import type { Clock } from '../core/ports/clock.js';
import { ErrcodeLabels } from './errcode-labels.js';
import { LineLimit } from './line-limit.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

const OVERLOADS = {
  pipelining:
    'a caller sent too many requests on one connection without waiting for answers; the connection is closed',
  in_flight: 'too many requests are being worked on; further ones are answered 503',
  unread: 'a caller did not read its answer in time; the connection is cut',
};

/** Turns what the HTTP edge reports into numbers, and into a line when a limit begins to bite. */
export class CountingHttpObserver {
  private readonly overloads: LineLimit;
  /** Some of them are the platform's, passed on to an SDK. */
  private readonly errcodes = new ErrcodeLabels();

  constructor(
    private readonly metrics: Metrics,
    private readonly logger: Logger,
    clock: Clock,
  ) {
    this.overloads = new LineLimit(clock, 1);
  }

  request(route: string, method: string, status: number, durationMs: number): void {
    this.metrics.tally.count(route, method, status);
    this.metrics.catalogue.httpRequestDuration.observe(route, durationMs / 1000);
  }

  denied(reason: string): void {
    this.metrics.catalogue.authFailures.inc({ reason });
  }

  overloaded(limit: keyof typeof OVERLOADS, remote: string): void {
    this.metrics.catalogue.httpOverload.inc({ limit });
    const isFirst = this.overloads.isFree(limit, (more) => {
      this.logger.warn({ event: 'http.overloaded', limit, more }, `${more} more of these within a minute`);
    });
    if (isFirst) this.logger.warn({ event: 'http.overloaded', limit, remote }, OVERLOADS[limit]);
  }

  dropInRefused(route: string, errcode: number): void {
    this.countRefusal(route, errcode, 1);
  }

  dropInMayRefuse(route: string, errcodes: readonly number[]): void {
    for (const errcode of errcodes) this.countRefusal(route, errcode, 0);
  }

  private countRefusal(route: string, errcode: number, by: number): void {
    this.metrics.catalogue.dropInRefusals.add({ route, errcode: this.errcodes.labelOf(errcode) }, by);
  }
}
