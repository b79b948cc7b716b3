import type { Clock } from '../core/ports/clock.js';
import { ErrcodeLabels } from './sample-lines.js';
import { LimitEpisodes, LineLimit } from './line-limit.js';
import type { Logger } from './logger.js';
import type { Metrics } from './metrics.js';
import type { MetricCatalogue } from './metric-catalogue.js';
import type { AppName } from '../core/token.js';

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

/** Lines about JWTs that are refused for one reason. */
const MAX_LINES_A_MINUTE = 5;
/** A line shows this much of what a stranger wrote into a token. */
const MAX_SHOWN_CHARACTERS = 200;
const MAX_SHOWN_KIDS = 10;

const REASONS = {
  too_long: 'a JWT is longer than is read',
  malformed: 'a JWT cannot be read, or lacks iss, sub, aud or exp',
  algorithm: 'a JWT is not signed with an algorithm that is taken; expected says which',
  issuer: 'a JWT is of an issuer that is not in identities.jwt: compare seen.iss letter by letter',
  expired: 'a JWT has expired: its bearer must get a new one; compare the clocks',
  not_yet_valid: 'a JWT is not valid yet: compare the clocks of issuer and broker',
  unknown_key: 'no key of the issuer fits the kid and alg of a JWT',
  keys_unavailable:
    'a JWT cannot be verified, because the keys of its issuer cannot be had; expected says why',
  signature: 'the signature of a JWT is wrong: it is forged, or of a key that is not the one with its kid',
  audience: 'a JWT was issued for another audience: its bearer must ask for the one that is expected',
  subject: 'a JWT is genuine, but no client has its iss and sub in subjects',
};

interface Refusal {
  readonly reason: keyof typeof REASONS;
  readonly seen: Readonly<Record<string, unknown>>;
  readonly expected?: string | undefined;
}

/** Says why a JWT was refused, so that a person can put it right, and how the keys of the issuers fare. */
export class IdentityLog {
  private readonly lines: LineLimit;

  constructor(
    private readonly logger: Logger,
    private readonly catalogue: MetricCatalogue,
    clock: Clock,
  ) {
    this.lines = new LineLimit(clock, MAX_LINES_A_MINUTE);
    for (const reason of Object.keys(REASONS)) catalogue.jwtRefused.inc({ reason }, 0);
  }

  jwtRefused({ reason, seen, expected }: Refusal, remote: string): void {
    this.catalogue.jwtRefused.inc({ reason });
    const isFree = this.lines.isFree(reason, (more) => {
      this.logger.warn({ event: 'auth.jwt_refused', reason, more }, `${more} more of these within a minute`);
    });
    if (!isFree) return;
    const shown = Object.fromEntries(
      Object.entries(seen).flatMap(([claim, value]) =>
        value === undefined ? [] : [[claim, shownValue(value)]],
      ),
    );
    this.logger.warn({ event: 'auth.jwt_refused', reason, seen: shown, expected, remote }, REASONS[reason]);
  }

  keysRead(issuer: string, kids: readonly string[]): void {
    this.catalogue.jwksUp.set({ issuer }, 1);
    this.logger.info(
      {
        event: 'identity.keys_read',
        issuer,
        keys: kids.length,
        kids: kids.slice(0, MAX_SHOWN_KIDS).map(shownValue),
      },
      'read the keys of an issuer of JWTs',
    );
  }

  keysUnavailable(issuer: string, reason: string, hasKeys: boolean): void {
    this.catalogue.jwksUp.set({ issuer }, 0);
    this.logger.error(
      { event: 'identity.keys_unavailable', issuer, error: reason },
      hasKeys
        ? 'the keys of an issuer of JWTs cannot be had; those from before are used on'
        : 'the keys of an issuer of JWTs cannot be had, so that none of its JWTs is taken',
    );
  }
}

function shownValue(value: unknown): string | number {
  if (typeof value === 'number') return value;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}…` : text;
}

/** Says which certificate the server shows, and until when. */
export class CertificateLog {
  constructor(
    private readonly logger: Logger,
    private readonly catalogue: MetricCatalogue,
  ) {}

  certificateUsed(notBeforeMs: number, notAfterMs: number, names: string): void {
    this.catalogue.certificateNotBefore.set(notBeforeMs / 1000);
    this.catalogue.certificateNotAfter.set(notAfterMs / 1000);
    this.logger.info(
      { event: 'server.certificate_used', names, not_after: new Date(notAfterMs).toISOString() },
      'new connections get this certificate',
    );
  }

  certificateUnusable(file: string, reason: string): void {
    this.logger.error(
      { event: 'server.certificate_unusable', file, error: reason },
      'a new file of server.tls cannot be used; the certificate from before is used on',
    );
  }
}

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
