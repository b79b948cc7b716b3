import type { AppDefinition } from './app-definition.js';
import { AppKeeper } from './app-keeper.js';
import type { AppStatus } from './app-status.js';
import type { BrokerPorts } from './broker-ports.js';
import { BrokerError } from './errors.js';
import { ReportDesk } from './report-desk.js';
import type { ReportAnswer, TokenReport } from './token-report.js';
import type { AppName, HeldToken } from './token.js';

/** Fetches that this replica starts by itself at a time: a thousand at once would time each other out. */
const MOST_FETCHES = 64;

/** Keeps one living token per app: fetches it once for all, renews it ahead of expiry, heals it when it was reported dead. */
export class TokenBroker {
  private readonly keepers = new Map<AppName, { readonly keeper: AppKeeper; readonly desk: ReportDesk }>();
  private unsubscribe: () => void = () => undefined;
  private wasReady = false;
  /** The store has been asked for what is there already; before that, whatever is missing may not be fetched. */
  private isStarted = false;

  constructor(
    apps: readonly AppDefinition[],
    private readonly ports: BrokerPorts,
  ) {
    for (const app of apps) {
      const keeper = new AppKeeper(app, ports);
      this.keepers.set(app.name, { keeper, desk: new ReportDesk(keeper, ports) });
    }
  }

  get apps(): readonly AppName[] {
    return [...this.keepers.keys()];
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

  /** @throws BrokerError `unknown_app` */
  status(app: AppName): AppStatus {
    return this.find(app).keeper.diagnosis.status();
  }

  /** Every app has had a token, or a definite refusal, since the start. */
  get isReady(): boolean {
    this.wasReady ||= [...this.keepers.values()].every(({ keeper }) => keeper.settled);
    return this.wasReady;
  }

  /** Starts what is due; returns at once. Called by a timer. */
  renewDue(): void {
    const keepers = [...this.keepers.values()].map(({ keeper }) => keeper);
    let places = MOST_FETCHES - keepers.filter(({ isRefreshing }) => isRefreshing).length;
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
      (app, generation) => {
        const keeper = this.keepers.get(app)?.keeper;
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
    this.unsubscribe();
    await Promise.all([...this.keepers.values()].map(({ keeper }) => keeper.stop()));
  }

  private find(app: AppName): { readonly keeper: AppKeeper; readonly desk: ReportDesk } {
    const found = this.keepers.get(app);
    if (found) return found;
    throw new BrokerError('unknown_app', `There is no app "${app}", or this caller may not see it.`);
  }
}
