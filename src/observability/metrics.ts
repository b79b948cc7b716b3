import { collectDefaultMetrics } from 'prom-client';
import type { ErrorCode } from '../core/error-code.js';
import type { AppStatus } from '../core/status/app-status.js';
import type { AppName } from '../core/token.js';
import { MetricCatalogue } from './metric-catalogue.js';
import { RequestTally } from './hot-counts.js';

/** Gauges whose names promise counters, so that promtool complains. The same names without `_total` say more. */
const MISNAMED = ['handles', 'requests', 'resources'].map((what) => `nodejs_active_${what}_total`);

type PerApp = 'all' | 'problems' | 'none';

/** In the place of an errcode: the platform was not asked, for want of an AppSecret. */
const NO_SECRET = 'no_secret';

/** What knows how apps fare: a `TokenBroker`. */
export interface AppSource {
  /** May grow. */
  readonly registered: readonly AppName[];
  status(app: AppName): AppStatus;
}

/** An API key, and how it was used on this replica. Times are of the wall clock. */
export interface KeyUse {
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
  private keys: () => readonly KeyUse[] = () => [];

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
  watchKeys(keys: () => readonly KeyUse[]): void {
    this.keys = keys;
  }

  get contentType(): string {
    return this.catalogue.registry.contentType;
  }

  /** The text that Prometheus scrapes. */
  async render(): Promise<string> {
    const { catalogue } = this;
    for (const { count, ...labels } of this.tally.all()) catalogue.httpRequests.set(labels, count);
    this.readApps();
    this.readKeys();
    const ours = catalogue.lines.map((lines) => lines.text()).join('');
    return (await catalogue.registry.metrics()) + ours;
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

  private readApps(): void {
    const { catalogue, perApp } = this;
    catalogue.clearStatus();
    const counts = { ok: 0, suspect: 0, degraded: 0, expired: 0, pending: 0 };
    for (const source of this.sources) {
      for (const app of source.registered) {
        const status = source.status(app);
        counts[status.state] += 1;
        this.count(app, status);
        const isWell = status.state === 'ok' && status.lastError === null;
        if (perApp === 'all' || (perApp === 'problems' && !isWell)) this.show(app, status);
      }
    }
    for (const [state, count] of Object.entries(counts)) catalogue.apps.set({ state }, count);
  }

  /** Has the app, or all of them together, counted from 0. */
  private count(app: AppName, { provider }: AppStatus): void {
    const who = this.perApp === 'all' ? app : provider;
    if (!this.shown.has(who)) this.catalogue.show(app, this.passing.get(provider) ?? []);
    this.shown.add(who);
  }

  private show(app: AppName, status: AppStatus): void {
    const { catalogue } = this;
    for (const { lines, valueOf } of catalogue.tokens) {
      const value = valueOf(status);
      if (value !== null) lines.set({ app }, value);
    }
    const { lastError, fetchBudget, fetchesToday, forcedBudget, forcedToday, reportsToday } = status;
    if (lastError?.class === 'configuration' || lastError?.class === 'secret') {
      const errcode = String(lastError.errcode ?? NO_SECRET);
      catalogue.upstreamConfigError.set({ app, errcode }, 1);
    }
    if (lastError?.class === 'claim') catalogue.heldElsewhere.set({ app }, 1);
    if (lastError?.class === 'dead') catalogue.tokenRefused.set({ app }, 1);
    if (lastError?.class === 'day_quota') catalogue.upstreamQuotaExhausted.set({ app }, 1);
    const daily = Math.max(0, fetchBudget - fetchesToday);
    catalogue.upstreamBudgetRemaining.set({ app, kind: 'daily' }, daily);
    if (forcedBudget === 0) return;
    const forced = Math.max(0, forcedBudget - forcedToday);
    catalogue.upstreamBudgetRemaining.set({ app, kind: 'forced' }, forced);
    const reports = Math.min(daily, Math.max(0, forcedBudget - reportsToday));
    catalogue.upstreamBudgetRemaining.set({ app, kind: 'reports' }, reports);
  }
}
