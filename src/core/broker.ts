import { hash } from 'node:crypto';
import {
  identityKey,
  isSameApp,
  type AppDefinition,
  type ConfiguredApp,
  type RefreshSettings,
  type TokenlessApp,
} from './app-definition.js';
import { ChangeWatch, type SweepSettings } from './refresh/change-watch.js';
import { Scheduler, StartPace } from './refresh/scheduler.js';
import { TokenManager } from './refresh/token-manager.js';
import { type AppState, type AppStatus, tokenlessStatus } from './status/app-status.js';
import type { BrokerPorts } from './ports/broker-ports.js';
import { BrokerError } from './errors.js';
import { ReportService, type TokenTest } from './reports/report-service.js';
import type { ReportAnswer, TokenReport } from './reports/token-report.js';
import { TokenOwners, type AppName, type HeldToken } from './token.js';

export interface BrokerSettings {
  /** Fetches and tries a second that nobody asks for while the apps have no token, or one that was found in the store. */
  readonly startFetchesPerSecond?: number;
  readonly sweep?: SweepSettings;
}

interface ManagedApp {
  readonly manager: TokenManager;
  /** And not registered besides the configured ones. */
  readonly isConfigured: boolean;
  /** Made at the first report. */
  reports: ReportService | null;
}

/** Keeps one living token per app: fetches it once for all, renews it ahead of expiry, heals it when it was reported dead. */
export class TokenBroker {
  private configured: readonly AppName[] = [];
  private readonly managed = new Map<AppName, ManagedApp>();
  private readonly tokenless = new Map<AppName, TokenlessApp>();
  /** By `identityKey`. */
  private readonly managersByKey = new Map<string, TokenManager>();
  private readonly scheduler: Scheduler;
  private readonly watch: ChangeWatch;
  private readonly startPace: StartPace;
  private readonly owners = new TokenOwners();
  private unsubscribe: () => void = () => undefined;
  private wasReady = false;
  private isStarted = false;
  private isStopping = false;
  /** Managers of apps that are not configured any more while their last fetch is under way. */
  private readonly leaving = new Set<Promise<void>>();
  private readonly listeners: ((app: AppName, held: HeldToken) => void)[] = [];

  constructor(
    apps: readonly ConfiguredApp[],
    private readonly ports: BrokerPorts,
    { startFetchesPerSecond = Infinity, sweep }: BrokerSettings = {},
  ) {
    this.scheduler = new Scheduler(ports.clock);
    this.watch = new ChangeWatch(this.managersByKey, ports, this.scheduler, sweep);
    this.startPace = new StartPace(ports.clock, startFetchesPerSecond);
    this.configure(apps);
  }

  /** The configured ones, in their order. */
  get apps(): readonly AppName[] {
    return this.configured;
  }

  /**
   * Keeps these apps from now on, and no others. An app that was there before keeps its token, its AppSecret and its
   * issuer, and takes over the refresh settings; one under the same name that is another app replaces it. A fetch for an
   * app that goes is still stored.
   *
   * @returns the apps that are gone, or are others under the same name
   */
  configure(
    apps: readonly ConfiguredApp[],
    { startFetchesPerSecond }: Pick<BrokerSettings, 'startFetchesPerSecond'> = {},
  ): ReadonlySet<AppName> {
    if (startFetchesPerSecond !== undefined) this.startPace.perSecond = startFetchesPerSecond;
    const gone = new Set<AppName>();
    const next = new Map(apps.map((app) => [app.name, app]));
    for (const name of this.configured) {
      const [old, app] = [this.definition(name), next.get(name)];
      if (old && !(app && isSameApp(old, app))) gone.add(name);
    }
    if (gone.size > 0) this.drop(gone);
    this.watch.replan();
    this.configured = [...next.keys()];
    const added: TokenManager[] = [];
    for (const app of apps) {
      if (!('issuer' in app)) {
        if (!this.tokenless.has(app.name)) this.tokenless.set(app.name, app);
      } else if (this.managed.has(app.name)) this.changeRefresh(app.name, app.refresh);
      else added.push(this.add(app, true));
    }
    // What is stored is looked at before a fetch is due.
    if (this.isStarted && !this.isStopping) this.watch.readThese(added);
    return gone;
  }

  /** The app as it was configured first; its `secrets` are the ones in use. */
  definition(name: AppName): ConfiguredApp | undefined {
    return this.managed.get(name)?.manager.app ?? this.tokenless.get(name);
  }

  /**
   * Keeps one more from now on, if it does not do so already: something that is made with an app's token, and that
   * readiness need not wait for. Nothing is fetched before somebody asks for it.
   */
  register(app: AppDefinition): void {
    if (!this.managed.has(app.name)) this.add(app, false);
  }

  /** The configured app whose token this is, as far as it is one that the platform would still take. */
  appOf(token: string): AppName | undefined {
    const sha256 = hash('sha256', token);
    const found = this.owners.of(sha256).find(({ app }) => {
      const managed = this.managed.get(app);
      return managed?.isConfigured === true && managed.manager.memory.isRecent(sha256);
    });
    return found?.app;
  }

  /** Milliseconds for which a caller may keep this token without asking again; above 0. */
  cacheableMs(app: AppName, held: HeldToken): number {
    return this.find(app).manager.cacheableMs(held);
  }

  /** The living token in memory, if there is one. Synchronous: the way of nearly every request. */
  held(app: AppName): HeldToken | undefined {
    return this.managed.get(app)?.manager.served;
  }

  /**
   * The current token, waiting for the first fetch if there is none yet.
   *
   * @param minGeneration a generation that the caller has seen; an older token is never returned.
   * @throws BrokerError `no_token_yet`, `token_expired`, `behind`, `unknown_app`, `no_token_for_app_type`
   */
  async current(app: AppName, minGeneration = 0): Promise<HeldToken> {
    return this.find(app).manager.current(minGeneration);
  }

  /**
   * A caller saw its token refused.
   *
   * @throws BrokerError `upstream_unavailable`, `upstream_rejected`, `not_a_token_error`, `unknown_app`, `no_token_for_app_type`
   */
  async report(app: AppName, report: TokenReport): Promise<ReportAnswer> {
    return this.reportsOf(app).handle(report);
  }

  /**
   * Tries the current token at the platform, because a person wants to know. One that is dead is then replaced.
   *
   * @param caller who wants to know
   * @throws BrokerError `no_token_yet`, `token_expired`, `held_elsewhere`, `unknown_app`, `no_token_for_app_type`
   */
  async test(app: AppName, caller: string): Promise<TokenTest> {
    return this.reportsOf(app).test(caller);
  }

  /**
   * Calls back for each newer token that this replica serves, until the returned function is called. The listener runs in
   * the middle of a rotation: it must not throw, and what takes time it does later.
   *
   * @throws BrokerError `unknown_app`, `no_token_for_app_type`
   */
  subscribe(app: AppName, listener: (held: HeldToken) => void): () => void {
    const { memory } = this.find(app).manager;
    return memory.subscribe((held) => {
      if (!memory.untried) listener(held);
    });
  }

  /** As `subscribe`, for every app and everything registered, such as tickets, and also for a token that is not served yet. For good. */
  subscribeAll(listener: (app: AppName, held: HeldToken) => void): void {
    this.listeners.push(listener);
    for (const [app, { manager }] of this.managed)
      manager.memory.subscribe((held) => {
        listener(app, held);
      });
  }

  /** @throws BrokerError `unknown_app` */
  status(app: AppName): AppStatus {
    const tokenless = this.tokenless.get(app);
    if (tokenless) return tokenlessStatus(tokenless, this.ports.clock.wallMs());
    return this.find(app).manager.diagnosis.status();
  }

  /** The `state` of its status, which costs a tenth. @throws BrokerError `unknown_app` */
  state(app: AppName): AppState {
    const tokenless = this.tokenless.get(app);
    if (tokenless) return tokenlessStatus(tokenless, this.ports.clock.wallMs()).state;
    return this.find(app).manager.diagnosis.state();
  }

  /**
   * Of each that has a token, and of what was registered besides, one after the other: apps may come and go meanwhile. One that
   * is replaced meanwhile is told of once.
   */
  *statuses(): Generator<AppStatus, void> {
    for (const name of [...this.managed.keys()]) {
      const managed = this.managed.get(name);
      if (managed) yield managed.manager.diagnosis.status();
    }
  }

  /** Every app had its first chance of a token; see `TokenManager.isReady`. */
  get isReady(): boolean {
    this.wasReady ||= this.apps.every((app) => this.managed.get(app)?.manager.isReady ?? true);
    return this.wasReady;
  }

  /** Starts what is due, and returns at once. Called by a timer. */
  runDue(): void {
    this.scheduler.runDue();
  }

  /** Offers a newer AppSecret; it is tried at once and the old one kept until the new one has worked. */
  async changeSecret(app: AppName, appSecret: string): Promise<void> {
    const tokenless = this.tokenless.get(app);
    if (tokenless) tokenless.secrets.offer(appSecret);
    else await this.find(app).manager.changeSecret(appSecret);
  }

  /** Its AppSecret cannot be read any more, which a restart would need, or can be again (null). The one that was read is kept. */
  secretCouldNotBeRead(app: AppName, why: string | null): void {
    const tokenless = this.tokenless.get(app);
    const lost = why === null ? null : { why, atMs: this.ports.clock.wallMs() };
    if (tokenless) tokenless.secrets.couldNotBeRead(lost);
    else this.find(app).manager.secretCouldNotBeRead(why);
  }

  /** Listens to rotations, takes over what is stored, and fetches what is missing. Resolves when that has been tried once. */
  async start(): Promise<void> {
    this.isStarted = true;
    this.unsubscribe = this.ports.feed.subscribe(
      ({ key, generation }) => {
        const manager = this.managersByKey.get(key);
        // A read that is under way may have been too early for it: then it is read again.
        if (manager && generation > manager.memory.generation) manager.reconcileWithin(0);
      },
      () => {
        this.watch.readAll();
      },
    );
    await this.watch.start();
    // Start now and not earlier: what another replica has stored need not be fetched.
    this.scheduler.start();
  }

  /** Starts no further fetch, and waits for those that were sent. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.unsubscribe();
    const managers = [...this.managed.values()].map(({ manager }) => manager.stop());
    await Promise.all([...managers, ...this.leaving, this.watch.stop()]);
  }

  private changeRefresh(name: AppName, refresh: RefreshSettings): void {
    if (isEqual(this.find(name).manager.app.refresh, refresh)) return;
    for (const { manager } of this.managed.values()) {
      const { app } = manager;
      if (app.name === name) manager.changeRefresh(refresh);
      else if (app.parent?.app === name) manager.changeRefresh({ ...refresh, ...app.parent.refresh });
    }
  }

  private drop(gone: ReadonlySet<AppName>): void {
    for (const name of gone) this.tokenless.delete(name);
    for (const { manager } of [...this.managed.values()]) {
      const { app } = manager;
      if (!gone.has(app.parent?.app ?? app.name)) continue;
      this.managed.delete(app.name);
      if (this.managersByKey.get(identityKey(app)) === manager) this.managersByKey.delete(identityKey(app));
      this.scheduler.remove(manager);
      const left = this.leave(manager).finally(() => this.leaving.delete(left));
      this.leaving.add(left);
    }
  }

  /** What is stored of the app is of no use to this broker any more; another one may still have it configured. */
  private async leave(manager: TokenManager): Promise<void> {
    await manager.stop();
    manager.memory.forgetRecent();
    if (!this.managersByKey.has(identityKey(manager.app))) {
      await this.ports.store.expire(manager.app).catch(() => undefined);
    }
  }

  private add(app: AppDefinition, isConfigured: boolean): TokenManager {
    const { watch, startPace, owners } = this;
    const manager = new TokenManager(app, this.ports, this.scheduler, { watch, startPace, owners });
    if (this.isStopping) void manager.stop();
    for (const listener of this.listeners)
      manager.memory.subscribe((held) => {
        listener(app.name, held);
      });
    this.managersByKey.set(identityKey(app), manager);
    this.managed.set(app.name, { manager, isConfigured, reports: null });
    this.watch.replan();
    return manager;
  }

  private reportsOf(app: AppName): ReportService {
    const managed = this.find(app);
    return (managed.reports ??= new ReportService(managed.manager, this.ports));
  }

  private find(app: AppName): ManagedApp {
    const found = this.managed.get(app);
    if (found) return found;
    throw this.whyNoToken(app);
  }

  /** Why an app that nothing is fetched for has no token. */
  whyNoToken(app: AppName): BrokerError {
    const type = this.tokenless.get(app)?.type;
    if (type === undefined) {
      return new BrokerError('unknown_app', `There is no app "${app}", or this caller may not see it.`);
    }
    const detail = `The app "${app}" is of type ${type}, which has no access token: users log in to it, and nothing else. Name an app that has one.`;
    return new BrokerError('no_token_for_app_type', detail);
  }
}

function isEqual(one: RefreshSettings, other: RefreshSettings): boolean {
  return (Object.keys(other) as (keyof RefreshSettings)[]).every((key) => one[key] === other[key]);
}
