import type { AppIdentity } from '../core/app-definition.js';
import type { Clock } from '../core/ports/clock.js';
import {
  TokenStore,
  type AbortRequest,
  type BeginRequest,
  type BeginResult,
  type Changes,
  type CommitRequest,
  type CommitResult,
  type StoreView,
} from '../core/ports/token-store.js';
import type { AppName } from '../core/token.js';
import type { MetricCatalogue, StoreCommand } from './metric-catalogue.js';

/** Not the name of any app. */
const THE_LIST = { name: '' };

/** A store that is timed, and whose clock is compared with this machine's. */
export class MeasuredTokenStore extends TokenStore {
  /** Apps for which the store did not answer the last command. Part of a cluster may be gone. */
  private readonly failing = new Set<AppName>();

  constructor(
    private readonly store: TokenStore,
    private readonly clock: Clock,
    private readonly metrics: MetricCatalogue,
  ) {
    super();
  }

  override read(app: AppIdentity): Promise<StoreView> {
    return this.measure('read', app, () => this.store.read(app));
  }

  override begin(app: AppIdentity, request: BeginRequest): Promise<BeginResult> {
    return this.measure('begin', app, () => this.store.begin(app, request));
  }

  override commit(app: AppIdentity, request: CommitRequest): Promise<CommitResult> {
    return this.measure('commit', app, () => this.store.commit(app, request));
  }

  override abort(app: AppIdentity, request: AbortRequest): Promise<StoreView> {
    return this.measure('abort', app, () => this.store.abort(app, request));
  }

  override async reconcile(...args: Parameters<TokenStore['reconcile']>): Promise<StoreView> {
    const sentMs = this.clock.wallMs();
    const view = await this.measure('reconcile', args[0], () => this.store.reconcile(...args));
    // It read its clock somewhere between: half-way, as far as anybody can tell.
    this.metrics.clockSkew.set((view.nowMs - (sentMs + this.clock.wallMs()) / 2) / 1000);
    return view;
  }

  override changes(since: string | null): Promise<Changes> {
    return this.measure('changes', THE_LIST, () => this.store.changes(since));
  }

  /** Not counted: nobody asks about the app any more. */
  override expire(app: AppIdentity): Promise<void> {
    this.failing.delete(app.name);
    return this.store.expire(app);
  }

  private async measure<T>(
    command: StoreCommand,
    { name }: Pick<AppIdentity, 'name'>,
    run: () => Promise<T>,
  ): Promise<T> {
    const startMonoMs = this.clock.monotonicMs();
    try {
      const result = await run();
      this.failing.delete(name);
      return result;
    } catch (error) {
      this.failing.add(name);
      throw error;
    } finally {
      this.metrics.storeUp.set(this.failing.size === 0 ? 1 : 0);
      this.metrics.storeCommandDuration.observe({ command }, (this.clock.monotonicMs() - startMonoMs) / 1000);
    }
  }
}
