import type { Clock } from '../core/ports/clock.js';
import { ErrcodeLabels } from './sample-lines.js';
import { LimitEpisodes } from './limit-episodes.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';

const OVERLOADS = {
  pipelining:
    'a caller sent too many requests on one connection without waiting for answers; the connection is closed',
  in_flight: 'too many requests are being worked on; further ones are answered 503',
  unread: 'a caller did not read its answer in time; the connection is cut',
  connections: 'there are too many connections, limits.connections; further ones are closed',
  address_connections:
    'an address has too many connections, limits.connectionsPerAddress; further ones of it are closed',
  bad_keys:
    'an address sent too many wrong keys, auth.failuresPerMinute; further wrong ones are answered 429, right ones are served',
  client_rate: 'a client makes too many requests, clients[].rate; further ones are answered 429',
  client_held:
    'a client goes on sending while it is refused, clients[].rate; its requests wait and are handled at its rate',
  client_in_flight:
    'a client has too many requests under way, limits.requestsInFlightPerClient; further ones are answered 429',
  client_streams:
    'a client has too many event streams, limits.streamsPerClient; further ones are answered 429',
};
/** Each address has its own. */
const BY_ADDRESS: ReadonlySet<string> = new Set(['address_connections', 'bad_keys']);

/** Turns what the HTTP edge reports into numbers, and into a line when a limit begins to bite, and one when it ends. */
export class CountingHttpObserver {
  private readonly episodes: LimitEpisodes;
  /** Some of them are the platform's, passed on to an SDK. */
  private readonly errcodes = new ErrcodeLabels();

  constructor(
    private readonly metrics: Metrics,
    private readonly logger: Logger,
    clock: Clock,
  ) {
    this.episodes = new LimitEpisodes(clock);
    for (const limit of Object.keys(OVERLOADS)) metrics.catalogue.httpOverload.inc({ limit }, 0);
  }

  request(route: string, method: string, status: number, durationMs: number): void {
    this.metrics.tally.count(route, method, status);
    this.metrics.catalogue.httpRequestDuration.observe(route, durationMs / 1000);
  }

  denied(reason: string): void {
    this.metrics.catalogue.authFailures.inc({ reason });
  }

  overloaded(limit: keyof typeof OVERLOADS, remote: string, client?: string): void {
    this.metrics.catalogue.httpOverload.inc({ limit });
    const who = client ?? (BY_ADDRESS.has(limit) ? remote : '');
    const isFirst = this.episodes.refused(`${limit} ${who}`, ({ refused, lastedMs }) => {
      this.logger.info(
        { event: 'http.overload_ended', limit, client, refused, seconds: Math.round(lastedMs / 1000) },
        'this limit has turned nobody away for a minute',
      );
    });
    if (isFirst) this.logger.warn({ event: 'http.overloaded', limit, client, remote }, OVERLOADS[limit]);
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
