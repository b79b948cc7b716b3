import type { AppDefinition, RefreshSettings } from '../app-definition.js';
import { BrokerError } from '../errors.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { sleep } from '../ports/clock.js';
import { TokenProbe } from '../reports/probe.js';
import { Diagnosis } from '../status/diagnosis.js';
import type { FetchReason, HeldToken, TokenOwners } from '../token.js';
import type { AppReader, ChangeWatch } from './change-watch.js';
import { DueWork, HeldClaim } from './due-work.js';
import { cacheableMs, graceMsOf, windowMsOf } from './policy.js';
import { OfflineRefresh, OnlineRefresh, type RefreshRequest, type RefreshResult } from './refresh.js';
import { type Scheduler, SingleFlight, type StartPace, type Task } from './scheduler.js';
import { StoreSync } from './store-sync.js';
import { TokenFetch } from './token-fetch.js';
import { TokenMemory } from './token-memory.js';

/** One app that cannot be had must not keep the others from being served. */
const MAX_UNREADY_MS = 60_000;
/** So that the store's clock, which is known to a few milliseconds, makes no busy loop. */
const MIN_WAIT_MS = 20;
/** Somebody waits for the token, which in all likelihood is good. */
const TRY_TIMEOUT_MS = 2000;

/** What the apps of a broker share. */
export interface SharedOfApps {
  readonly watch: Pick<ChangeWatch, 'periodMs'>;
  readonly startPace: StartPace;
  readonly owners: TokenOwners;
}

/** Keeps one app's token on one replica: serves it from memory, starts what is due, and merges with the store. */
export class TokenManager implements Task, AppReader {
  readonly memory: TokenMemory;
  readonly diagnosis: Diagnosis;
  readonly sync: StoreSync;
  private readonly claim: HeldClaim;
  private readonly tokenFetch: TokenFetch;
  private readonly online: OnlineRefresh;
  private readonly offline: OfflineRefresh;
  private readonly probe: TokenProbe;
  private readonly due: DueWork;
  private readonly flights = new SingleFlight<'refresh' | 'reconcile' | 'try', RefreshResult>(() => {
    this.scheduler.update(this);
  });
  private readonly madeMonoMs: number;
  private wasReady = false;
  private readonly stopping = new AbortController();

  constructor(
    readonly app: AppDefinition,
    private readonly ports: BrokerPorts,
    private readonly scheduler: Scheduler,
    shared: SharedOfApps,
  ) {
    this.claim = new HeldClaim(app, ports);
    this.tokenFetch = new TokenFetch(app, ports);
    this.memory = new TokenMemory(app, ports.clock, this.tokenFetch, shared.owners);
    this.sync = new StoreSync(app, this.memory, ports, shared.watch, scheduler);
    const parts = [app, this.memory, this.tokenFetch, this.sync, ports] as const;
    this.online = new OnlineRefresh(...parts, this.stopping.signal);
    this.offline = new OfflineRefresh(...parts);
    const { memory, sync, claim, offline, tokenFetch, flights } = this;
    this.diagnosis = new Diagnosis(app, memory, sync.health, claim, offline, tokenFetch);
    this.madeMonoMs = ports.clock.monotonicMs();
    this.probe = new TokenProbe(app, ports);
    const heard = { app, memory, tokenFetch, claim, sync, flights };
    this.due = new DueWork(heard, ports.clock, shared.startPace);
    scheduler.update(this);
  }

  /**
   * Readiness need not wait for this app: it has had a token, or a definite refusal (the platform will give none before a
   * person or the next day changes something), or has no AppSecret, or is another broker's, or could not be had for a minute.
   * A store that does not answer is no reason, since other replicas may well serve the app.
   */
  get isReady(): boolean {
    const { app, memory, offline, tokenFetch, ports } = this;
    const refusal = memory.view?.backOff?.class;
    const isShared = refusal === 'configuration' || refusal === 'day_quota';
    const isRefused = isShared || tokenFetch.addressRefusal !== null || this.claim.heldBy !== null;
    const hasTried = !this.isStoreAway || offline.lastFailure !== null;
    const isGivenUp = hasTried && ports.clock.monotonicMs() - this.madeMonoMs >= MAX_UNREADY_MS;
    this.wasReady ||= memory.token !== null || isRefused || app.secrets.missing !== null || isGivenUp;
    return this.wasReady;
  }

  /** What may be served without asking anybody: nothing right after a long pause, when others may have rotated long ago. */
  get served(): HeldToken | undefined {
    const { token } = this.memory;
    const nowMonoMs = this.ports.clock.monotonicMs();
    if (!token || nowMonoMs >= token.deadlineMonoMs || this.memory.untried) return undefined;
    return this.sync.mustRead(nowMonoMs) ? undefined : token;
  }

  /** Milliseconds for which a caller may keep this token without asking again. */
  cacheableMs(held: HeldToken): number {
    const { issuer, refresh } = this.app;
    return cacheableMs({
      record: held.record,
      leftMs: held.deadlineMonoMs - this.ports.clock.monotonicMs(),
      refresh,
      graceMs: graceMsOf(issuer.rule),
      isSuspect: this.memory.suspectReason !== null,
    });
  }

  get isRefreshing(): boolean {
    return this.flights.isRunning('refresh');
  }

  /** Has a request to the platform under way. */
  get isBusy(): boolean {
    return this.isRefreshing || this.flights.isRunning('try');
  }

  get wantsPlatform(): boolean {
    return !this.isStopping && this.due.now() !== null;
  }

  get nextMonoMs(): number {
    if (this.isStopping) return Infinity;
    const nowMonoMs = this.ports.clock.monotonicMs();
    if (this.isReconcileDue || this.claim.isDue) return nowMonoMs;
    const { memory, claim, sync, offline, tokenFetch, due } = this;
    const parts = [memory, claim, sync, tokenFetch].flatMap(({ nextMonoMs }) => nextMonoMs);
    const all = [...parts, due.nextMonoMs, offline.nextMonoMs];
    return Math.min(...all.filter((atMonoMs) => atMonoMs > nowMonoMs));
  }

  runDue(mayUsePlatform: boolean): void {
    if (this.isStopping) return;
    const due = mayUsePlatform ? this.due.now() : null;
    if (due?.kind === 'try') void this.tryAtPlatform(due.found);
    if (due?.kind === 'fetch') void this.refresh(this.plain(due.reason));
    if (this.claim.isDue) {
      void this.claim.renew().then(() => {
        this.scheduler.update(this);
      });
    }
    if (this.isReconcileDue) void this.reconcile();
  }

  resumeAfter(pauseMs: number): void {
    this.sync.resumeAfter(pauseMs);
  }

  noteUnchanged(): void {
    this.sync.noteUnchanged();
  }

  reconcile(): Promise<RefreshResult> {
    return this.flights.run('reconcile', async () => {
      if (await this.sync.read()) this.offline.reset();
      return { kind: 'over' };
    });
  }

  reconcileWithin(ms: number): void {
    if (this.isStopping) return;
    this.sync.readWithin(ms);
    if (this.isReconcileDue) void this.reconcile();
    else this.scheduler.update(this);
  }

  reconcileSoon(withinMs: number): void {
    this.claim.renewSoon();
    this.sync.spreadAnew();
    this.reconcileWithin(withinMs);
  }

  /**
   * Runs one rotation, or joins the one that runs. Whoever joined asked for something else: look again afterwards.
   *
   * @throws BrokerError `stopping`
   */
  async refresh(request: RefreshRequest): Promise<RefreshResult> {
    if (this.isStopping && !this.isRefreshing) throw this.diagnosis.stopping();
    const mustWait = request.ignoreBackOff === 'none' && this.due.backOff;
    if (mustWait || this.app.secrets.missing) return { kind: 'over' };
    const result = await this.rotate(request);
    const wasFoundDead = await this.tryFound();
    if (!wasFoundDead || this.isStopping) return result;
    return this.rotate({ ...request, seenGeneration: this.memory.generation });
  }

  private rotate(request: RefreshRequest): Promise<RefreshResult> {
    return this.flights.run('refresh', async () => {
      // Whoever passes a wait that a person can end, passes this one too.
      const isForced = request.ignoreBackOff === 'mendable';
      const result: RefreshResult = this.sync.health.isOpen
        ? { kind: 'store_unavailable' }
        : await this.sync.health.call(async () =>
            (await this.claim.mayFetch(isForced)) ? this.online.run(request) : { kind: 'over' },
          );
      const mayTryAlone =
        result.kind === 'store_unavailable' && !this.isStopping && !this.sync.pending.isFull;
      if (!mayTryAlone || this.claim.heldBy || !this.offline.isAllowed(request)) return result;
      await this.offline.run(request);
      return { kind: 'over' };
    });
  }

  /** The token with at least this generation, waiting for the first one if need be. Throws `BrokerError`. */
  async current(minGeneration: number): Promise<HeldToken> {
    const isBehind = minGeneration > this.memory.generation;
    if (isBehind || !this.sync.hasRead || this.sync.mustRead(this.ports.clock.monotonicMs()))
      await this.reconcile();
    await this.tryFound();
    if (!this.memory.livingToken && (this.isRefreshing || !this.due.isHeldUp)) {
      await this.refresh(this.plain('cold'));
    }
    if (!this.memory.livingToken) await this.awaitSuccessor();
    const token = this.memory.livingToken;
    if (!token) throw this.diagnosis.noToken();
    if (token.record.generation >= minGeneration) return token;
    throw new BrokerError(
      'behind',
      `This replica knows generation ${token.record.generation} and found nothing newer, but the caller has seen ${minGeneration}. Ask again shortly, or leave min_generation out.`,
      { retryAfterSeconds: 1 },
    );
  }

  /**
   * A platform that returns the same token to its end has no other one for a moment after it. Nobody is turned away for
   * that: the next attempts are waited for, no longer than for one request.
   */
  private async awaitSuccessor(): Promise<void> {
    const { clock } = this.ports;
    const { memory, app } = this;
    if (!memory.token || windowMsOf(app.issuer.rule) > 0) return;
    const deadlineMonoMs = clock.monotonicMs() + app.refresh.upstreamTimeoutMs;
    while (!memory.livingToken && !this.isStopping) {
      // One that has run out a moment ago is still the reason why there is no token.
      const backOff = memory.view?.backOff;
      // None: it came, and its end did while it was stored.
      if (backOff ? backOff.class !== 'busy' : this.due.isHeldUp || this.isStoreAway) return;
      const waitMs = Math.max(MIN_WAIT_MS, (backOff?.untilMs ?? 0) - memory.storeNowMs());
      if (clock.monotonicMs() + waitMs > deadlineMonoMs) return;
      await sleep(clock, waitMs);
      // Whoever waited as well may have it by now.
      if (this.memory.livingToken) return;
      await this.refresh(this.plain('cold'));
    }
  }

  /**
   * Tries a token of which only the store says that it is the newest, before it is served. Without an answer it is served:
   * the platform is away then, and an outage would be worse. Never throws. Returns whether there was one that is dead.
   */
  async tryFound(): Promise<boolean> {
    const found = this.memory.untried;
    if (!found) return false;
    await this.tryAtPlatform(found);
    return this.memory.livingToken === undefined;
  }

  private tryAtPlatform(found: HeldToken): Promise<RefreshResult> {
    return this.flights.run('try', async () => {
      const timeoutMs = Math.min(TRY_TIMEOUT_MS, this.app.refresh.upstreamTimeoutMs);
      const { outcome } = this.isStopping
        ? { outcome: 'no_answer' as const }
        : await this.probe.try(found.record, { cacheMs: 0, timeoutMs });
      this.memory.tried(found, outcome);
      const { generation } = found.record;
      this.ports.events.emit({ app: this.app.name, kind: 'found_token_tried', generation, outcome });
      return { kind: 'over' };
    });
  }

  /** Holds from now on, for the token that is served too. */
  changeRefresh(refresh: RefreshSettings): void {
    Object.assign(this.app.refresh, refresh);
    this.memory.planAnew();
    this.reconcileWithin(refresh.reconcileMs);
  }

  /** Why the AppSecret cannot be read any more, or null when it can be again. */
  secretCouldNotBeRead(why: string | null): void {
    this.app.secrets.couldNotBeRead(why === null ? null : { why, atMs: this.memory.storeNowMs() });
  }

  /** A newer AppSecret is tried at once, whatever the last one was refused for. */
  async changeSecret(appSecret: string): Promise<void> {
    if (!this.app.secrets.offer(appSecret)) return;
    await this.flights.ended();
    if (this.isStopping) return;
    await this.refresh({ ...this.plain('secret_change'), ignoreBackOff: 'all' });
  }

  /** Starts nothing any more, and waits for what was sent, but not for what another replica does. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.flights.ended();
  }

  /** A refresh that nobody demands. */
  private plain(reason: FetchReason): RefreshRequest {
    const seenGeneration = this.memory.generation;
    return {
      reason,
      seenGeneration,
      charge: null,
      ignoreBackOff: 'none',
      forceNew: false,
      isProvenDead: false,
    };
  }

  get isStopping(): boolean {
    return this.stopping.signal.aborted;
  }

  get isStoreAway(): boolean {
    return this.sync.health.outage !== null;
  }

  private get isReconcileDue(): boolean {
    return this.sync.isDue && !this.flights.isRunning('reconcile');
  }
}
