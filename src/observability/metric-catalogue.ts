import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { ErrorCode } from '../core/error-code.js';
import type { FetchOutcomeKind } from '../core/ports/events.js';
import type { AppName } from '../core/token.js';
import { SampleLines, DurationLines } from './sample-lines.js';
import { statusGauges } from './status-gauges.js';

const PREFIX = 'tokenbroker_';

const FETCH_OUTCOMES: readonly FetchOutcomeKind[] = ['issued', 'refused', 'not_sent', 'unknown'];
/** Those of logins that an alert looks for; the others are refusals that concern one user. */
const LOGIN_RESULTS = ['ok', 'not_sent', 'unknown', 'app_misconfigured', 'rate_limited'] as const;
const LEASE_RESULTS = ['acquired', 'held', 'unavailable', 'lost'] as const;
const DENIAL_REASONS = [
  'missing_key',
  'unknown_key',
  'expired_key',
  'refused_jwt',
  'unknown_token',
  'missing_scope',
  'browser',
] as const;
const STORE_COMMANDS = ['read', 'begin', 'commit', 'abort', 'reconcile', 'changes'] as const;

const HTTP_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const PLATFORM_BOUNDS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const STORE_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export type StoreCommand = (typeof STORE_COMMANDS)[number];

/**
 * All metrics of ours: names, labels and what they say. docs/metrics.md adds what to do about them.
 *
 * What a process has once is prom-client's; what it has once per app, or counts at every request, is kept as lines.
 */
export class MetricCatalogue {
  readonly registry = new Registry();

  /** Read from how the apps fare at each scrape, for those that are shown. */
  readonly ofStatus = statusGauges(PREFIX);

  readonly apps = gauge(
    'apps',
    'Apps, and tickets that somebody has asked for, by how they fare on this replica.',
    ['state'],
  );

  readonly upstreamFetches = counter(
    'upstream_fetches_total',
    'Requests to the platform for a token, by what became of them.',
    ['app', 'outcome'],
  );
  readonly upstreamFetchReasons = counter(
    'upstream_fetch_reasons_total',
    'The same requests, by what they were for.',
    ['app', 'reason'],
  );
  readonly upstreamFetchDuration = new Histogram({
    name: `${PREFIX}upstream_fetch_duration_seconds`,
    help: 'Time of a request to the platform for a token, whatever became of it.',
    buckets: PLATFORM_BOUNDS,
    registers: [this.registry],
  });
  readonly upstreamErrors = counter(
    'upstream_errors_total',
    'Requests for a token that the platform refused, by errcode.',
    ['app', 'errcode'],
  );
  readonly commits = counter(
    'commits_total',
    'Fetched tokens: stored for all, dropped because a later one was stored first, or kept here while the store is away.',
    ['app', 'result'],
  );
  readonly reports = counter('reports_total', 'Reports of a dead token, by what came of them.', [
    'app',
    'result',
  ]);
  readonly tokenDiedEarly = counter(
    'token_died_early_total',
    'Tokens found dead long before their time although no replica replaced them: something else uses this AppSecret.',
    ['app'],
  );
  readonly loginExchanges = counter(
    'login_exchanges_total',
    'Codes of users that were sent to the platform, by what became of them.',
    ['app', 'result'],
  );
  readonly loginExchangeDuration = new DurationLines({
    name: `${PREFIX}login_exchange_duration_seconds`,
    help: 'Time of a request to the platform with the code of a user, whatever became of it.',
    label: 'app',
    bounds: PLATFORM_BOUNDS,
  });
  readonly loginErrors = counter(
    'login_errors_total',
    'Codes of users that the platform refused, by errcode.',
    ['app', 'errcode'],
  );
  readonly loginRepeatedCodes = counter(
    'login_repeated_codes_total',
    'Codes of users that came again, and were not sent again.',
    ['app'],
  );
  readonly httpRequests = counter(
    'http_requests_total',
    'Answered HTTP requests. The route is its pattern, never the URL.',
    ['route', 'method', 'code'],
  );
  readonly dropInRefusals = counter(
    'drop_in_refusals_total',
    'Requests to the drop-in routes that got an errcode instead of a token. HTTP counts them as 200.',
    ['route', 'errcode'],
  );
  readonly httpRequestDuration = new DurationLines({
    name: `${PREFIX}http_request_duration_seconds`,
    help: 'Time from the arrival of an HTTP request to its answer.',
    label: 'route',
    bounds: HTTP_BOUNDS,
  });
  readonly gatewayRequests = counter(
    'gateway_requests_total',
    "Calls through the gateway, by what became of them. The path is the entry of the client's allow list, none where none allows it.",
    ['app', 'path', 'outcome'],
  );
  readonly gatewayRetries = counter(
    'gateway_retries_total',
    'Calls that were sent once more, with a new token.',
    ['app'],
  );
  readonly gatewayInFlight = gauge('gateway_in_flight', 'Calls that are under way.', ['app']);
  readonly gatewayInFlightLimit = gauge(
    'gateway_in_flight_limit',
    'How many calls may be under way, gateway.maxInFlightPerApp.',
    ['app'],
  );
  readonly gatewayDuration = new DurationLines({
    name: `${PREFIX}gateway_duration_seconds`,
    help: 'Time of a call through the gateway, from its arrival to the end of its answer.',
    label: 'app',
    bounds: HTTP_BOUNDS,
  });
  readonly gatewayUpstreamDuration = new DurationLines({
    name: `${PREFIX}gateway_upstream_seconds`,
    help: 'Time from sending a call to the first byte of the answer of the platform.',
    label: 'app',
    bounds: HTTP_BOUNDS,
  });
  readonly authFailures = this.promCounter(
    'auth_failures_total',
    'Requests that were turned away for who sent them.',
    'reason',
  );
  readonly keyRequests = counter(
    'api_key_requests_total',
    'Requests of an API key, which is named by the first 8 hex digits of its SHA-256.',
    ['key'],
  );
  readonly keyLastUsed = gauge(
    'api_key_last_used_timestamp_seconds',
    'When this replica was last sent the API key, in Unix time; 0: not since it runs.',
    ['key'],
  );
  readonly keyExpiration = gauge(
    'api_key_expiration_timestamp_seconds',
    'When the API key ends, in Unix time; absent for one that does not.',
    ['key'],
  );
  readonly jwtRefused = this.promCounter('jwt_refused_total', 'JWTs that opened nothing, by why.', 'reason');
  readonly jwksUp = this.promGauge(
    'jwks_up',
    'Whether the keys of the issuer of JWTs could be had when they were last wanted.',
    'issuer',
  );
  readonly certificateNotBefore = this.promGauge(
    'certificate_not_before_timestamp_seconds',
    'When the certificate of the server begins; 0 without server.tls.',
  );
  readonly certificateNotAfter = this.promGauge(
    'certificate_not_after_timestamp_seconds',
    'When the certificate of the server ends; 0 without server.tls.',
  );
  readonly httpOverload = this.promCounter(
    'http_overload_total',
    'Requests that were turned away or had to wait, and connections that were cut, by the limit that was reached.',
    'limit',
  );
  readonly leases = this.promCounter(
    'lease_acquire_total',
    'Attempts to become the replica that fetches, and leases that were lost before the request was sent.',
    'result',
  );
  readonly storeUp = this.promGauge(
    'store_up',
    'Whether the store answered the last command of every app: 1 or 0.',
  );
  readonly feedUp = this.promGauge(
    'feed_up',
    'Whether messages about new tokens of other replicas come in: 1 or 0.',
  );
  readonly configReloadSuccessful = this.promGauge(
    'config_last_reload_successful',
    'Whether the configuration that was read last is in force: 1, or 0 if it has faults and the one before is.',
  );
  readonly configFaults = this.promGauge(
    'config_faults',
    'Faults of the configuration that was read last, by the file of configDir that they are in, or "main".',
    'file',
  );
  readonly configReloadTime = this.promGauge(
    'config_last_reload_timestamp_seconds',
    'When the configuration that is in force was read, in Unix time.',
  );
  readonly storeCommandDuration = new Histogram({
    name: `${PREFIX}store_command_duration_seconds`,
    help: 'Time of a command to the store, answered or not.',
    labelNames: ['command'],
    buckets: STORE_BOUNDS,
    registers: [this.registry],
  });
  readonly clockSkew = this.promGauge('clock_skew_seconds', "The store's clock minus this machine's.");
  readonly buildInfo = this.promGauge('build_info', 'Always 1. The labels say what runs.', 'version', 'node');

  /** The metrics that are kept as lines, in the order of their fields. */
  readonly lines: readonly Lines[];

  constructor() {
    this.lines = Object.values(this).filter(isLines);
    for (const reason of DENIAL_REASONS) this.authFailures.inc({ reason }, 0);
    for (const result of LEASE_RESULTS) this.leases.inc({ result }, 0);
    for (const command of STORE_COMMANDS) this.storeCommandDuration.zero({ command });
  }

  private promGauge<Label extends string = never>(
    name: string,
    help: string,
    ...labelNames: readonly Label[]
  ): Gauge<Label> {
    return new Gauge({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  private promCounter<Label extends string>(name: string, help: string, label: Label): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames: [label], registers: [this.registry] });
  }

  /**
   * Shows the counters of the app that alerts are made of, as they are or at 0, so that the first event is an increase like every other.
   * The rest comes when it happens. `errcodes`: those that are counted from 0.
   */
  show(app: AppName, errcodes: readonly ErrorCode[]): void {
    for (const outcome of FETCH_OUTCOMES) this.upstreamFetches.add({ app, outcome }, 0);
    for (const errcode of errcodes) this.upstreamErrors.add({ app, errcode: String(errcode) }, 0);
    this.tokenDiedEarly.add({ app }, 0);
  }

  /** What is counted and measured by app is shown for all apps together, or for each again. */
  sumUpApps(isSummed: boolean): void {
    for (const lines of this.lines) if (lines.firstLabel === 'app') lines.sumUp(isSummed);
  }

  /** Drops what is kept of apps that are configured no more. */
  forget(isGone: (app: AppName) => boolean): void {
    for (const lines of this.lines) if (lines.firstLabel === 'app') lines.forget(isGone);
  }

  /** The same of its logins, which few apps have: once there is one. */
  showLogins(app: AppName): void {
    for (const result of LOGIN_RESULTS) this.loginExchanges.add({ app, result }, 0);
    this.loginRepeatedCodes.add({ app }, 0);
  }
}

type Lines = SampleLines<string> | DurationLines;

function isLines(value: unknown): value is Lines {
  return value instanceof SampleLines || value instanceof DurationLines;
}

function counter<Label extends string>(
  name: string,
  help: string,
  labels: readonly [Label, ...Label[]],
): SampleLines<Label> {
  return new SampleLines({ name: PREFIX + name, type: 'counter', help, labels });
}

function gauge<Label extends string>(
  name: string,
  help: string,
  labels: readonly [Label, ...Label[]],
): SampleLines<Label> {
  return new SampleLines({ name: PREFIX + name, type: 'gauge', help, labels });
}
