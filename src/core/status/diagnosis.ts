import type { AppDefinition } from '../app-definition.js';
import { BrokerError, type BrokerErrorCode } from '../errors.js';
import { remedyOf } from '../ports/token-issuer.js';
import type { BackOff } from '../ports/token-store.js';
import { dayStart } from '../refresh/budgets.js';
import type { HeldClaim } from '../refresh/due-work.js';
import type { SuspectReason } from '../refresh/policy.js';
import type { OfflineRefresh } from '../refresh/refresh.js';
import type { StoreHealth } from '../refresh/store-sync.js';
import type { TokenFetch } from '../refresh/token-fetch.js';
import type { TokenMemory } from '../refresh/token-memory.js';
import type { AppState, AppStatus, LastError } from './app-status.js';

const BUDGET_REMEDY =
  'Find out what fetched so often: upstream_fetch_reasons_total names the reasons. Until then raise apps[].refresh.dailyBudget or forcedDailyBudget, within what the platform allows.';

const RETURNED_DEAD_REMEDY =
  "Nothing in the broker replaces it: the platform gives another one when it expires. To have one sooner, reset the app's secret in the platform's console, or ask the platform's support. The broker asks again from time to time.";

const MISSING_SECRET_REMEDY =
  'Put the AppSecret where apps[].appSecret says. A file is read again within seconds, and the secret is tried at once.';
/** For callers: somebody has to write the file. */
const MISSING_SECRET_RETRY_SECONDS = 30;
/** Another replica, whose address the platform takes, may have a token by then. */
const OTHER_REPLICA_SECONDS = 5;
const CONTESTED_REMEDY =
  'Report it again then, if it is still refused. If tokens keep dying, something else fetches with this AppSecret: find it and have it ask this broker instead.';
const REFUSED_SECRET_REMEDY =
  "Correct the file of apps[].appSecret: it has to hold the AppSecret that the platform's console shows. Tokens are fetched with the one before it until then, but not after a restart.";

const CLAIM_REMEDY =
  'Have the callers ask that broker, which kills every token that this one would fetch. Or stop it: this one takes over within 70 s; a forced refresh takes over at once.';
const LOST_SECRET_REMEDY =
  'Put the AppSecret back where apps[].appSecret says. Tokens are fetched with the one that was read before until then, but not after a restart.';

/** What a person can do once a refusal for the configuration is mended. */
const FORCE = 'POST /token/refresh with "force": true asks at once.';

const SUSPECT_MESSAGES: Readonly<Record<SuspectReason, string>> = {
  suspect:
    'the platform may have a newer token: a fetch was sent while the store was away, or two fetches overlapped',
  rollback: 'the platform may have a newer token: the store came back with an older state than it had',
  in_doubt: 'the platform may have a newer token: a fetch was sent, and nobody knows what came of it',
};
const SUSPECT_REMEDY =
  'Nothing: one more fetch makes it certain, as soon as two times refresh.leaseSeconds have passed since the last one. Callers that see it refused may report it.';

/** Says how an app fares, and why there is no token, in words for the person who has to mend it. */
export class Diagnosis {
  private readonly startedAtMs: number;

  constructor(
    private readonly app: AppDefinition,
    private readonly memory: TokenMemory,
    private readonly storeHealth: StoreHealth,
    private readonly claim: HeldClaim,
    private readonly offline: OfflineRefresh,
    private readonly tokenFetch: TokenFetch,
  ) {
    this.startedAtMs = memory.storeNowMs();
  }

  status(): AppStatus {
    const { name, provider, type = null, grant, refresh } = this.app;
    const { memory } = this;
    const { today, token } = memory;
    const record = token?.record;
    return {
      app: name,
      provider,
      type,
      grant,
      appId: this.shownId,
      state: this.state(),
      suspectReason: memory.suspectReason,
      generation: record?.generation ?? null,
      issuedAtMs: record?.issuedAtMs ?? null,
      expiresAtMs: record?.expiresAtMs ?? null,
      nextRefreshAtMs: this.nextFetchAtMs(),
      lastError: this.lastError(),
      fetchesToday: today.fetches,
      fetchBudget: refresh.dailyBudget,
      forcedToday: today.forced,
      reportsToday: Math.max(today.unproven, today.forceNew),
      forcedBudget: refresh.forcedDailyBudget,
      nowMs: memory.storeNowMs(),
    };
  }

  /** Whole seconds after which asking again makes sense; at least 1. */
  private retryAfterSeconds(): number {
    if (this.app.secrets.missing) return MISSING_SECRET_RETRY_SECONDS;
    const seconds = this.nextAttemptSeconds();
    return this.isOnlyAddressRefused ? Math.min(OTHER_REPLICA_SECONDS, seconds) : seconds;
  }

  /** Whole seconds until this replica may send the next fetch; at least 1. */
  private nextAttemptSeconds(): number {
    return Math.max(1, Math.ceil((this.heldUpUntilMs() - this.memory.storeNowMs()) / 1000));
  }

  /** Nothing but the address of this replica is in the way. */
  private get isOnlyAddressRefused(): boolean {
    return this.tokenFetch.addressBackOff !== null && this.failure() === this.tokenFetch.addressRefusal;
  }

  /** What follows the reason why there is no token. */
  private nextAttempt(): string {
    const seconds = `${String(this.nextAttemptSeconds())} s`;
    if (this.app.secrets.missing) return '';
    const force = this.isForceOfUse ? ` Once that is mended, ${FORCE}` : '';
    return this.isOnlyAddressRefused
      ? ` This replica tries again in ${seconds}, others may before.${force}`
      : ` Next attempt in ${seconds}.${force}`;
  }

  /** A forced fetch passes the wait after a refusal that a person has to mend. */
  private get isForceOfUse(): boolean {
    return this.memory.budgetWaitMs <= 0 && this.failure()?.class === 'configuration';
  }

  /** Why a request for the token has to be turned away. */
  noToken(): BrokerError {
    return this.memory.token === null
      ? this.error('no_token_yet', 'There is no token yet')
      : this.error('token_expired', 'The last token expired and no new one came');
  }

  /** Why a report brought no new token. */
  noRotation(): BrokerError {
    const isRefused = (this.failure()?.errcode ?? null) !== null;
    return this.error(isRefused ? 'upstream_rejected' : 'upstream_unavailable', 'No new token');
  }

  private error(code: BrokerErrorCode, what: string): BrokerError {
    return new BrokerError(
      this.claim.heldBy ? 'held_elsewhere' : code,
      `${what}: ${this.why()}${this.nextAttempt()}`,
      { errcode: this.failure()?.errcode ?? undefined, retryAfterSeconds: this.retryAfterSeconds() },
    );
  }

  /** Why a dead token is not replaced: the platform has no other. */
  returnedDead(): BrokerError {
    const waitMs = this.memory.reported.knownDead?.waitMs ?? 0;
    return new BrokerError(
      'upstream_rejected',
      `The platform refuses this token and returns the same one at every fetch. ${RETURNED_DEAD_REMEDY}`,
      { retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)) },
    );
  }

  /** Why nothing is fetched any more. */
  stopping(): BrokerError {
    const detail = 'This replica is shutting down and fetches no token any more: ask again.';
    return new BrokerError('stopping', detail, { retryAfterSeconds: 1 });
  }

  state(): AppState {
    const { memory, storeHealth, claim } = this;
    if (!memory.token) return 'pending';
    if (!memory.livingToken) return 'expired';
    if (memory.suspectReason || memory.reported.contestedMs > 0 || memory.reported.knownDead)
      return 'suspect';
    const ofSecret = this.app.secrets.missing ?? this.app.secrets.refused ?? this.app.secrets.lost;
    const trouble = this.failure() ?? claim.heldBy ?? storeHealth.outage ?? ofSecret;
    return trouble !== null || memory.budgetWaitMs > 0 ? 'degraded' : 'ok';
  }

  private nextFetchAtMs(): number | null {
    const { memory, app, storeHealth } = this;
    const heldUpUntilMs = this.heldUpUntilMs();
    const isLeftToTheLast = storeHealth.outage && app.issuer.rule.previous !== 'stays_valid' && memory.token;
    const plannedAtMs = isLeftToTheLast ? memory.lastChanceAtMs : memory.nextRefreshAtMs;
    return heldUpUntilMs > 0 ? Math.max(plannedAtMs ?? 0, heldUpUntilMs) : plannedAtMs;
  }

  /** Until when nothing is fetched, on the store's clock; 0 when nothing holds a fetch up. */
  private heldUpUntilMs(): number {
    const { memory, offline, storeHealth, claim, tokenFetch } = this;
    const nowMs = memory.storeNowMs();
    const budgetUntilMs = memory.budgetWaitMs > 0 ? nowMs + memory.budgetWaitMs : 0;
    const aloneUntilMs = storeHealth.outage ? (offline.lastFailure?.untilMs ?? 0) : 0;
    const addressUntilMs = tokenFetch.addressBackOff?.untilMs ?? 0;
    const claimUntilMs = claim.heldBy ? nowMs + claim.waitMs : 0;
    const untilMs = Math.max(
      memory.backOff?.untilMs ?? 0,
      budgetUntilMs,
      aloneUntilMs,
      addressUntilMs,
      claimUntilMs,
    );
    return untilMs > nowMs ? untilMs : 0;
  }

  private failure(): BackOff | null {
    return this.offline.lastFailure ?? this.memory.view?.backOff ?? this.tokenFetch.addressRefusal;
  }

  /** The first that applies is shown. */
  private lastError(): LastError | null {
    return (
      this.noFetchAllowed() ??
      this.refusedToken() ??
      this.budgetUsedUp() ??
      this.refusedSecret() ??
      this.failedFetch() ??
      this.contested() ??
      this.lostSecret() ??
      this.storeOutage() ??
      this.suspect()
    );
  }

  /** There is no AppSecret, or another broker fetches. */
  private noFetchAllowed(): LastError | null {
    const { missing } = this.app.secrets;
    const { heldBy } = this.claim;
    if (missing) {
      return trouble('secret', `there is no AppSecret: ${missing}`, MISSING_SECRET_REMEDY, this.startedAtMs);
    }
    if (!heldBy) return null;
    const message = `another broker on this Redis, ${heldBy.name}, fetches for AppID ${this.shownId}`;
    return trouble('claim', message, CLAIM_REMEDY, heldBy.sinceMs);
  }

  /** The platform refuses the token in use, and it cannot be replaced. */
  private refusedToken(): LastError | null {
    const { knownDead } = this.memory.reported;
    if (!this.memory.livingToken || !knownDead) return null;
    const { why, atMs, isReturned } = knownDead;
    const message = `the platform refuses the token in use, which cannot be replaced: ${why}`;
    const remedy = isReturned ? RETURNED_DEAD_REMEDY : BUDGET_REMEDY;
    return trouble('dead', message, remedy, atMs);
  }

  private budgetUsedUp(): LastError | null {
    const { memory } = this;
    if (memory.budgetWaitMs <= 0) return null;
    const { dailyBudget, dayOffsetMs } = this.app.refresh;
    const message = `today's ${dailyBudget} fetches are used up; the day begins at ${dayStart(dayOffsetMs)}`;
    const atMs = memory.view?.beganAtMs ?? 0;
    return trouble('budget', message, BUDGET_REMEDY, atMs);
  }

  /** The newest AppSecret was refused, and no other trouble is in the way. */
  private refusedSecret(): LastError | null {
    const { refused } = this.app.secrets;
    const failure = this.failure();
    if (!refused || (failure && failure.class !== 'configuration')) return null;
    const { errcode, atMs } = refused;
    const message = `the AppSecret that was read last was refused (${refused.message}); the one before it is used`;
    return { class: 'configuration', errcode, message, remedy: REFUSED_SECRET_REMEDY, atMs };
  }

  private failedFetch(): LastError | null {
    const failure = this.failure();
    if (!failure) return null;
    const { errcode, message, atMs } = failure;
    const force = this.isForceOfUse ? ` Once that is mended, ${FORCE}` : '';
    const remedy = remedyOf(this.app.issuer, failure) + force;
    return { class: failure.class, errcode, message, remedy, atMs };
  }

  private contested(): LastError | null {
    const { contestedMs, contestedAtMs } = this.memory.reported;
    if (contestedMs <= 0) return null;
    const againSeconds = Math.ceil(contestedMs / 1000);
    const message = `callers report the token as dead, which was fetched because of a report a moment ago; a report of it is looked into again in ${againSeconds} s`;
    return trouble('report', message, CONTESTED_REMEDY, contestedAtMs);
  }

  private lostSecret(): LastError | null {
    const { lost } = this.app.secrets;
    if (!lost) return null;
    const message = `the AppSecret cannot be read any more (${lost.why}); the one that was read before is used`;
    return trouble('secret', message, LOST_SECRET_REMEDY, lost.atMs);
  }

  private storeOutage(): LastError | null {
    const { outage } = this.storeHealth;
    if (!outage) return null;
    const message = `the store does not answer: ${outage.message}`;
    return trouble('store', message, outage.remedy, outage.sinceMs);
  }

  private suspect(): LastError | null {
    const { suspectReason, view } = this.memory;
    if (!suspectReason) return null;
    const message = SUSPECT_MESSAGES[suspectReason];
    const atMs = view?.beganAtMs ?? 0;
    return trouble('suspect', message, SUSPECT_REMEDY, atMs);
  }

  private get shownId(): string {
    return this.app.shownId ?? this.app.appId;
  }

  /** What happened, and what a person does about it. */
  private why(): string {
    const error = this.noFetchAllowed() ?? this.budgetUsedUp();
    if (error) return `${error.message}. ${error.remedy}`;
    const failure = this.failure();
    if (failure) {
      const { errcode, message } = failure;
      const answer =
        errcode === null
          ? `the platform gave no usable answer (${message}).`
          : `the platform answered ${errcode} (${message}).`;
      return `${answer} ${remedyOf(this.app.issuer, failure)}`;
    }
    const { outage } = this.storeHealth;
    if (outage) return `the store does not answer (${outage.message}). ${outage.remedy}`;
    return 'the first fetch is on its way.';
  }
}

/** One that is no code of the platform's. */
function trouble(kind: LastError['class'], message: string, remedy: string, atMs: number): LastError {
  return { class: kind, errcode: null, message, remedy, atMs };
}
