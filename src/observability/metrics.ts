import { collectDefaultMetrics } from 'prom-client';
import type { ErrorCode } from '../core/error-code.js';
import { othersTurn } from '../core/ports/clock.js';
import type { AppStatus } from '../core/status/app-status.js';
import type { AppName } from '../core/token.js';
import { MetricCatalogue } from './metric-catalogue.js';
import { RequestTally, ErrcodeLabels } from './sample-lines.js';
import { StatusText } from './status-gauges.js';
import { EventSink, type BrokerEvent } from '../core/ports/events.js';

/** Gauges whose names promise counters, so that promtool complains. The same names without `_total` say more. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

type PerApp = 'all' | 'problems' | 'none';

/** What knows how apps fare: a `TokenBroker`. */
export interface AppSource {
  /** Of all apps that it has at the moment, one after the other; apps may come and go meanwhile. */
  statuses(): Iterable<AppStatus>;
}

/** Apps, and characters, after which others have their turn. */
const APPS_AT_A_TIME = 200;
const CHARACTERS_AT_A_TIME = 32_768;

/** An API key, and how it was used on this replica. Times are of the wall clock. */
export interface ApiKeyUse {
  /** The first digits of its SHA-256. */
  readonly id: string;
  readonly uses: number;
  readonly lastUsedAtMs: number | null;
  readonly expiresAtMs: number | null;
}

/** What Prometheus is told: what was counted, and how the apps fare at the moment it asks. */
export class Metrics {
  readonly catalogue = new MetricCatalogue();
  /** Of answered HTTP requests. */
  readonly tally = new RequestTally();
  private readonly sources: AppSource[] = [];
  private readonly shown = new Set<AppName>();
  private perApp: PerApp = 'all';
  private keys: () => readonly ApiKeyUse[] = () => [];

  /** @param passing of each provider, the error codes that are counted from 0 */
  constructor(
    version: string,
    private readonly passing: ReadonlyMap<string, readonly ErrorCode[]>,
  ) {
    collectDefaultMetrics({ register: this.catalogue.registry });
    for (const name of MISNAMED) this.catalogue.registry.removeSingleMetric(name);
    // Error rates are made of these, and the first error has to be an increase as well.
    for (const route of ['/token', '/ticket']) {
      for (const status of [200, 500, 503]) this.tally.show(route, 'GET', status);
    }
    for (const status of [200, 500, 503]) this.tally.show('/oauth2/token', 'POST', status);
    this.catalogue.buildInfo.set({ version, node: process.version }, 1);
  }

  /** What is shown of each app from now on. Sums of all go on as they are. */
  configure({ perApp }: { readonly perApp: 'all' | 'problems' | 'none' | false }): void {
    this.perApp = perApp === false ? 'none' : perApp;
    this.shown.clear();
    this.catalogue.sumUpApps(this.perApp !== 'all');
  }

  /** Shows the source's apps from now on, and those that it gets later. */
  watch(source: AppSource): void {
    this.sources.push(source);
  }

  /** Shows these API keys from now on. */
  watchKeys(keys: () => readonly ApiKeyUse[]): void {
    this.keys = keys;
  }

  get contentType(): string {
    return this.catalogue.registry.contentType;
  }

  /** The text that Prometheus scrapes. That of many apps is made in parts, between which requests are answered. */
  async render(): Promise<Buffer> {
    const { catalogue } = this;
    for (const { count, ...labels } of this.tally.all()) catalogue.httpRequests.set(labels, count);
    const parts = [Buffer.from(await catalogue.registry.metrics()), ...(await this.readApps())];
    this.readKeys();
    for (const lines of catalogue.lines) {
      for (const piece of lines.pieces()) {
        parts.push(Buffer.from(piece));
        if (piece.length >= CHARACTERS_AT_A_TIME) await othersTurn();
      }
    }
    return Buffer.concat(parts);
  }

  /** Shows nothing more of these apps and their tickets. */
  forget(apps: ReadonlySet<AppName>): void {
    const isGone = (name: string): boolean => apps.has(name.split('/')[0] ?? name);
    for (const name of this.shown) if (isGone(name)) this.shown.delete(name);
    this.catalogue.forget(isGone);
  }

  private readKeys(): void {
    const { keyRequests, keyLastUsed, keyExpiration } = this.catalogue;
    for (const lines of [keyRequests, keyLastUsed, keyExpiration]) lines.clear();
    for (const { id: key, uses, lastUsedAtMs, expiresAtMs } of this.keys()) {
      keyRequests.set({ key }, uses);
      keyLastUsed.set({ key }, (lastUsedAtMs ?? 0) / 1000);
      if (expiresAtMs !== null) keyExpiration.set({ key }, expiresAtMs / 1000);
    }
  }

  private async readApps(): Promise<readonly Buffer[]> {
    const { catalogue, perApp } = this;
    const text = new StatusText(catalogue.ofStatus);
    const counts = { ok: 0, suspect: 0, degraded: 0, expired: 0, pending: 0 };
    let seen = 0;
    for (const source of this.sources) {
      for (const status of source.statuses()) {
        counts[status.state] += 1;
        this.count(status);
        const isWell = status.state === 'ok' && status.lastError === null;
        if (perApp === 'all' || (perApp === 'problems' && !isWell)) text.add(status.app, status);
        seen += 1;
        if (seen % APPS_AT_A_TIME > 0) continue;
        text.join();
        await othersTurn();
      }
    }
    for (const [state, count] of Object.entries(counts)) catalogue.apps.set({ state }, count);
    return text.pieces;
  }

  /** Has the app, or all of them together, counted from 0. */
  private count({ app, provider }: AppStatus): void {
    const who = this.perApp === 'all' ? app : provider;
    if (!this.shown.has(who)) this.catalogue.show(app, this.passing.get(provider) ?? []);
    this.shown.add(who);
  }
}

type LoginExchanged = Extract<BrokerEvent, { kind: 'login_exchanged' }>;

/** Turns what the core reports into numbers. */
export class MetricsObserver extends EventSink {
  private readonly errcodes: ErrcodeLabels;

  /** @param errcodes are always counted by themselves */
  constructor(
    private readonly metrics: MetricCatalogue,
    errcodes: Iterable<ErrorCode>,
  ) {
    super();
    this.errcodes = new ErrcodeLabels(errcodes);
  }

  override emit(event: BrokerEvent): void {
    const { metrics } = this;
    const { app } = event;
    switch (event.kind) {
      case 'fetch_ended': {
        const { reason, outcome, durationMs, errcode } = event;
        metrics.upstreamFetches.add({ app, outcome });
        metrics.upstreamFetchReasons.add({ app, reason });
        metrics.upstreamFetchDuration.observe(durationMs / 1000);
        if (errcode !== null) metrics.upstreamErrors.add({ app, errcode: this.errcodes.labelOf(errcode) });
        return;
      }
      case 'rotated':
        metrics.commits.add({ app, result: event.isStored ? 'committed' : 'unstored' });
        return;
      case 'superseded':
        metrics.commits.add({ app, result: 'superseded' });
        return;
      case 'reported':
        metrics.reports.add({ app, result: event.result });
        return;
      case 'died_early':
        metrics.tokenDiedEarly.add({ app });
        return;
      case 'login_exchanged': {
        const { outcome, meaning, errcode, durationMs } = event;
        metrics.showLogins(app);
        metrics.loginExchanges.add({ app, result: loginResult(outcome, meaning) });
        metrics.loginExchangeDuration.observe(app, durationMs / 1000);
        if (errcode !== null) metrics.loginErrors.add({ app, errcode: this.errcodes.labelOf(errcode) });
        return;
      }
      case 'login_code_repeated':
        metrics.showLogins(app);
        metrics.loginRepeatedCodes.add({ app });
        return;
      case 'lease':
        metrics.leases.inc({ result: event.result });
        return;
      case 'login_call_refused':
      case 'fetch_started':
      case 'probed':
      case 'found_token_tried':
      case 'adopted':
      case 'suspected':
      case 'healed':
      case 'claim_refused':
      case 'claim_won':
      case 'store_unavailable':
      case 'store_available':
    }
  }
}

/** The platform's own word for an outcome that nobody knows counts as no answer. */
function loginResult(outcome: LoginExchanged['outcome'], meaning: LoginExchanged['meaning']): string {
  if (outcome === 'answered') return 'ok';
  if (meaning === 'outcome_unknown') return 'unknown';
  return meaning ?? outcome;
}
