import type { AppDefinition } from './app-definition.js';
import { AppMemory } from './app-memory.js';
import { AppSecrets } from './app-secrets.js';
import type { AppState, AppStatus, LastError } from './app-status.js';
import type { BrokerPorts } from './broker-ports.js';
import { BrokerError, StoreUnavailableError } from './errors.js';
import { RefreshAttempt, type RefreshRequest, type RefreshResult } from './refresh-attempt.js';
import { SingleFlight } from './single-flight.js';
import type { BackOff } from './token-store.js';
import type { HeldToken } from './token.js';

/** After the store gave no answer, nothing is asked of it for this long. */
const STORE_RETRY_MS = 1000;

/** Said where no errcode explains a failure. */
const UNREACHABLE_REMEDY =
  'Check that this host reaches the platform: DNS, egress firewall, and apiBaseUrl. The broker keeps trying.';

/** Keeps one app's token on one replica: serves it from memory, starts what is due, answers why there is none. */
export class AppKeeper {
  readonly memory: AppMemory;
  readonly secrets: AppSecrets;
  private readonly attempt: RefreshAttempt;
  private readonly flights = new SingleFlight<'refresh' | 'reconcile', RefreshResult>();
  private reconcileAtMonoMs = -Infinity;
  private storeRetryAtMonoMs = -Infinity;
  private storeIsDown = false;
  private isSettled = false;
  private isStopping = false;

  constructor(
    readonly app: AppDefinition,
    private readonly ports: BrokerPorts,
  ) {
    this.memory = new AppMemory(app, ports.clock);
    this.secrets = new AppSecrets(app.appSecret);
    this.attempt = new RefreshAttempt(app, this.memory, this.secrets, ports);
  }

  /** Has had a token, or a definite refusal: the platform will give none before a person or midnight changes something. */
  get settled(): boolean {
    const refusal = this.memory.view?.backOff?.class;
    this.isSettled ||= this.memory.token !== null || refusal === 'configuration' || refusal === 'day_quota';
    return this.isSettled;
  }

  /** Starts the fetch that is due, if one is. */
  renewIfDue(): void {
    if (this.isStopping || this.isRefreshing || this.isHeldUp) return;
    const reason = this.reasonToFetch();
    if (!reason) return;
    void this.refresh({
      reason,
      forced: false,
      seenGeneration: this.memory.generation,
      ignoreBackOff: 'none',
      forceNew: false,
    });
  }

  /** Merges memory with the store, if it is time to. */
  reconcileIfDue(): void {
    const nowMonoMs = this.ports.clock.monotonicMs();
    if (this.isStopping || nowMonoMs < this.reconcileAtMonoMs) return;
    void this.reconcile();
  }

  reconcile(): Promise<RefreshResult> {
    return this.flights.run('reconcile', async () => {
      const { clock, store } = this.ports;
      const { name, refresh } = this.app;
      this.reconcileAtMonoMs = clock.monotonicMs() + refresh.reconcileMs * (0.75 + clock.random() / 2);
      return this.overStore(async () => {
        await this.attempt.commitPending();
        const sentMonoMs = clock.monotonicMs();
        const { token, committed } = this.memory;
        const view = await store.reconcile(name, { record: token?.record ?? null, committed });
        if (this.memory.adopt(view, sentMonoMs)) {
          this.ports.observer.notice({ app: name, kind: 'adopted', generation: this.memory.generation });
        }
        return { kind: 'over' };
      });
    });
  }

  /** Runs one rotation, or joins the one that runs. Whoever joined asked for something else: look again afterwards. */
  async refresh(request: RefreshRequest): Promise<RefreshResult> {
    if (request.ignoreBackOff === 'none' && this.memory.backOff) return { kind: 'over' };
    return this.flights.run('refresh', () => this.overStore(() => this.attempt.run(request)));
  }

  /** The token with at least this generation, waiting for the first one if need be. Throws `BrokerError`. */
  async current(minGeneration: number): Promise<HeldToken> {
    if (minGeneration > this.memory.generation) await this.reconcile();
    if (!this.memory.livingToken && !this.isHeldUp && !this.isStopping) {
      await this.refresh({
        reason: 'cold',
        forced: false,
        seenGeneration: this.memory.generation,
        ignoreBackOff: 'none',
        forceNew: false,
      });
    }
    const token = this.memory.livingToken;
    if (!token) throw this.noToken();
    if (token.record.generation >= minGeneration) return token;
    throw new BrokerError(
      'behind',
      `This replica knows generation ${String(token.record.generation)} and the store has nothing newer, but the caller has seen ${String(minGeneration)}. Ask again shortly, or leave min_generation out.`,
      { retryAfterSeconds: 1 },
    );
  }

  /** A newer AppSecret is tried at once, whatever the last one was refused for. */
  async changeSecret(appSecret: string): Promise<void> {
    if (!this.secrets.offer(appSecret)) return;
    await this.flights.settled();
    if (this.isStopping) return;
    await this.refresh({
      reason: 'secret_change',
      forced: false,
      seenGeneration: this.memory.generation,
      ignoreBackOff: 'all',
      forceNew: false,
    });
  }

  /** Starts nothing any more, and waits for what was sent. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.flights.settled();
  }

  status(): AppStatus {
    const { name, provider, grant, appId, refresh } = this.app;
    const record = this.memory.token?.record;
    return {
      app: name,
      provider,
      grant,
      appId,
      state: this.state(),
      generation: record?.generation ?? null,
      issuedAtMs: record?.issuedAtMs ?? null,
      expiresAtMs: record?.expiresAtMs ?? null,
      nextRefreshAtMs: this.nextFetchAtMs(),
      lastError: this.lastError(),
      fetchesToday: this.memory.fetchesToday,
      fetchBudget: refresh.dailyBudget,
    };
  }

  /** Why the last fetch brought no token, or null when it did. */
  lastError(): LastError | null {
    const backOff = this.memory.view?.backOff;
    if (!backOff) return null;
    return {
      errcode: backOff.errcode,
      message: backOff.message,
      remedy: this.remedy(backOff),
      atMs: backOff.atMs,
    };
  }

  /** Whole seconds until the next fetch may be sent; at least 1. */
  retryAfterSeconds(): number {
    const { memory } = this;
    const backOffMs = memory.backOff ? memory.backOff.untilMs - memory.storeNowMs() : 0;
    return Math.max(1, Math.ceil(Math.max(backOffMs, memory.budgetWaitMs) / 1000));
  }

  get isRefreshing(): boolean {
    return this.flights.isRunning('refresh');
  }

  private get isHeldUp(): boolean {
    const { memory, ports } = this;
    return (
      memory.backOff !== null ||
      memory.budgetWaitMs > 0 ||
      ports.clock.monotonicMs() < this.storeRetryAtMonoMs
    );
  }

  private reasonToFetch(): 'cold' | 'scheduled' | 'suspect' | 'in_doubt' | null {
    const { memory } = this;
    if (!memory.livingToken) return 'cold';
    if (memory.isDue) return 'scheduled';
    return memory.isHealTime ? memory.doubt : null;
  }

  private async overStore(work: () => Promise<RefreshResult>): Promise<RefreshResult> {
    const { observer, clock } = this.ports;
    const app = this.app.name;
    const result = await work().catch((error: unknown): RefreshResult => {
      if (error instanceof StoreUnavailableError) return { kind: 'store_unavailable', cause: error };
      throw error;
    });
    const isDown = result.kind === 'store_unavailable';
    if (isDown) this.storeRetryAtMonoMs = clock.monotonicMs() + STORE_RETRY_MS * (1 + clock.random());
    if (isDown && !this.storeIsDown) {
      observer.notice({ app, kind: 'store_unavailable', message: result.cause.message });
    } else if (!isDown && this.storeIsDown) {
      observer.notice({ app, kind: 'store_available' });
    }
    this.storeIsDown = isDown;
    return result;
  }

  private state(): AppState {
    const { memory } = this;
    if (!memory.token) return 'pending';
    if (!memory.livingToken) return 'expired';
    if (memory.doubt) return 'suspect';
    return memory.view?.backOff || memory.budgetWaitMs > 0 ? 'degraded' : 'ok';
  }

  private nextFetchAtMs(): number | null {
    const at = this.memory.nextRefreshAtMs;
    const { backOff } = this.memory;
    return backOff ? Math.max(at ?? 0, backOff.untilMs) : at;
  }

  private remedy(backOff: BackOff): string {
    return backOff.errcode === null ? UNREACHABLE_REMEDY : this.app.issuer.explain(backOff.errcode).remedy;
  }

  private noToken(): BrokerError {
    const retryAfterSeconds = this.retryAfterSeconds();
    const what = this.memory.token ? 'The last token expired and no new one came' : 'There is no token yet';
    return new BrokerError(
      this.memory.token ? 'token_expired' : 'no_token_yet',
      `${what}: ${this.whyNoToken()} Next attempt in ${String(retryAfterSeconds)} s.`,
      { errcode: this.memory.view?.backOff?.errcode ?? undefined, retryAfterSeconds },
    );
  }

  /** One or two sentences: what happened, and what a person does about it. */
  whyNoToken(): string {
    const { memory, app } = this;
    if (memory.budgetWaitMs > 0) {
      return `today's ${String(app.refresh.dailyBudget)} fetches are used up (apps[].refresh.dailyBudget; the day begins at 00:00 UTC+8).`;
    }
    const backOff = memory.view?.backOff;
    if (!backOff) return this.storeIsDown ? 'the store cannot be reached.' : 'the first fetch is on its way.';
    const answer =
      backOff.errcode === null
        ? `the platform gave no usable answer (${backOff.message}).`
        : `the platform answered ${String(backOff.errcode)} (${backOff.message}).`;
    return `${answer} ${this.remedy(backOff)}`;
  }
}
