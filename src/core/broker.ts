import { hash } from 'node:crypto';
import { identityKey, type AppDefinition } from './app-definition.js';
import { AppKeeper } from './refresh/token-manager.js';
import type { AppStatus } from './status/app-status.js';
import type { BrokerPorts } from './ports/broker-ports.js';
import { BrokerError } from './errors.js';
import { ReportDesk } from './reports/report-service.js';
import { TokenIndex } from './token-index.js';
import type { ReportAnswer, TokenReport } from './reports/token-report.js';
import type { AppName, HeldToken } from './token.js';

/** Fetches, and tries of stored tokens, that this replica starts by itself at a time: a thousand at once would time each other out. */
const MOST_FETCHES = 64;

/** Keeps one living token per app: fetches it once for all, renews it ahead of expiry, heals it when it was reported dead. */
export class TokenBroker {
  /** The configured ones, in their order. */
  readonly apps: readonly AppName[];
  private readonly keepers = new Map<AppName, { readonly keeper: AppKeeper; readonly desk: ReportDesk }>();
  /** By `identityKey`. */
  private readonly keepersByKey = new Map<string, AppKeeper>();
  private readonly tokens = new TokenIndex();
  private unsubscribe: () => void = () => undefined;
  private wasReady = false;
  /** The store has been asked for what is there already; before that, whatever is missing may not be fetched. */
  private isStarted = false;
  private isStopping = false;
  private readonly watchersOfAll: ((app: AppName, held: HeldToken) => void)[] = [];

  constructor(
    apps: readonly AppDefinition[],
    private readonly ports: BrokerPorts,
  ) {
    this.apps = apps.map(({ name }) => name);
    for (const app of apps) {
      this.keep(app);
      this.watch(app.name, ({ record }) => {
        this.tokens.add(app.name, hash('sha256', record.value));
      });
    }
  }

  /**
   * Keeps one more from now on, if it does not do so already: something that is made with an app's token, and that
   * readiness need not wait for. Nothing is fetched before somebody asks for it.
   */
  keepAlso(app: AppDefinition): void {
    if (!this.keepers.has(app.name)) this.keep(app);
  }

  /** The configured apps, and what is kept besides them. */
  get kept(): readonly AppName[] {
    return [...this.keepers.keys()];
  }

  /** The app whose token this is, as far as it is one that the platform would still take. */
  appOf(token: string): AppName | undefined {
    const sha256 = hash('sha256', token);
    return this.tokens.appsOf(sha256).find((app) => this.find(app).keeper.memory.isRecent(sha256));
  }

  /** Milliseconds for which a caller may keep this token without asking again; above 0. */
  cacheableMs(app: AppName, held: HeldToken): number {
    return this.find(app).keeper.cacheableMs(held);
  }

  /** The living token in memory, if there is one. Synchronous: the way of nearly every request. */
  held(app: AppName): HeldToken | undefined {
    return this.keepers.get(app)?.keeper.served;
  }

  /**
   * The current token, waiting for the first fetch if there is none yet.
   *
   * @param minGeneration a generation that the caller has seen; an older token is never returned.
   * @throws BrokerError `no_token_yet`, `token_expired`, `behind`, `unknown_app`
   */
  async current(app: AppName, minGeneration = 0): Promise<HeldToken> {
    return this.find(app).keeper.current(minGeneration);
  }

  /**
   * A caller saw its token refused.
   *
   * @throws BrokerError `upstream_unavailable`, `upstream_rejected`, `not_a_token_error`, `unknown_app`
   */
  async report(app: AppName, report: TokenReport): Promise<ReportAnswer> {
    return this.find(app).desk.receive(report);
  }

  /**
   * Calls back for each newer token that this replica serves, until the returned function is called. The listener runs in
   * the middle of a rotation: it must not throw, and what takes time it does later.
   *
   * @throws BrokerError `unknown_app`
   */
  watch(app: AppName, listener: (held: HeldToken) => void): () => void {
    const { memory } = this.find(app).keeper;
    return memory.watch((held) => {
      if (!memory.untried) listener(held);
    });
  }

  /** As `watch`, for every app, also for a token that is not served yet, and for what is kept besides them: tickets have names of their own. For good. */
  watchAll(listener: (app: AppName, held: HeldToken) => void): void {
    this.watchersOfAll.push(listener);
    for (const [app, { keeper }] of this.keepers)
      keeper.memory.watch((held) => {
        listener(app, held);
      });
  }

  /** @throws BrokerError `unknown_app` */
  status(app: AppName): AppStatus {
    return this.find(app).keeper.diagnosis.status();
  }

  /** No app is waited for any more; see `AppKeeper.settled`. */
  get isReady(): boolean {
    this.wasReady ||= this.apps.every((app) => this.find(app).keeper.settled);
    return this.wasReady;
  }

  /** Starts what is due; returns at once. Called by a timer. */
  renewDue(): void {
    const keepers = [...this.keepers.values()].map(({ keeper }) => keeper);
    let places = MOST_FETCHES - keepers.filter(({ isBusy }) => isBusy).length;
    for (const keeper of keepers) {
      keeper.ticked();
      if (this.isStarted && places > 0 && keeper.renewIfDue()) places -= 1;
    }
  }

  /** Merges memory with the store where it is time to; returns at once. Called by a timer. */
  reconcileDue(): void {
    if (!this.isStarted) return;
    for (const { keeper } of this.keepers.values()) keeper.reconcileIfDue();
  }

  /** Offers a newer AppSecret; it is tried at once and the old one kept until the new one has worked. */
  async changeSecret(app: AppName, appSecret: string): Promise<void> {
    await this.find(app).keeper.changeSecret(appSecret);
  }

  /** Listens to rotations, takes over what is stored, and fetches what is missing. Resolves when that has been tried once. */
  async start(): Promise<void> {
    this.unsubscribe = this.ports.feed.subscribe(
      ({ key, generation }) => {
        const keeper = this.keepersByKey.get(key);
        if (keeper && generation > keeper.memory.generation) void keeper.reconcile();
      },
      () => {
        for (const { keeper } of this.keepers.values()) keeper.reconcileSoon();
      },
    );
    await Promise.all([...this.keepers.values()].map(({ keeper }) => keeper.reconcile()));
    this.isStarted = true;
    this.renewDue();
  }

  /** Starts no further fetch, and waits for those that were sent. */
  async stop(): Promise<void> {
    this.isStopping = true;
    this.unsubscribe();
    await Promise.all([...this.keepers.values()].map(({ keeper }) => keeper.stop()));
  }

  private keep(app: AppDefinition): void {
    const keeper = new AppKeeper(app, this.ports);
    if (this.isStopping) void keeper.stop();
    for (const listener of this.watchersOfAll)
      keeper.memory.watch((held) => {
        listener(app.name, held);
      });
    this.keepersByKey.set(identityKey(app), keeper);
    this.keepers.set(app.name, { keeper, desk: new ReportDesk(keeper, this.ports) });
  }

  private find(app: AppName): { readonly keeper: AppKeeper; readonly desk: ReportDesk } {
    const found = this.keepers.get(app);
    if (found) return found;
    throw new BrokerError('unknown_app', `There is no app "${app}", or this caller may not see it.`);
  }
}
