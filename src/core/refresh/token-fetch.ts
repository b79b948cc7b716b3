import type { AppDefinition } from '../app-definition.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { DAY_MS, withDeadline } from '../ports/clock.js';
import { type IssueOutcome, remedyOf, TOKEN_ENDED } from '../ports/token-issuer.js';
import type { BackOff, FailedFetch } from '../ports/token-store.js';
import { type FetchReason, fingerprint } from '../token.js';
import { type Charge, type DayCount, FetchFloor } from './budgets.js';
import { type FailuresBefore, successorWaitMs, waitAfterFailureMs, windowMsOf } from './policy.js';

/** A refused AppSecret is no reason to wait while there is another one. */
const OTHER_SECRET_WAIT_MS = 1000;
/** After the shared back-off, a replica that got no answer leaves the next attempt to the others for this long. */
const COURTESY_MS = 1000;

/** No platform may hold all fetches up for longer than its day. */
const MAX_RETRY_AFTER_MS = DAY_MS;

/** A platform has the next token within so long after the end of the one before. */
const MAX_HOLE_MS = 60_000;
const ROUNDING_MS = 1000;

/** What came of one request: a token, or how certain it is that none was minted and how long to wait. */
export type FetchResult =
  | {
      readonly kind: 'issued';
      readonly value: string;
      readonly expiresInMs: number;
      readonly tokenType?: string | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly outcome: 'not_sent' | 'refused' | 'unknown';
      readonly failure: FailedFetch;
      /** Only this replica was refused: nothing for others to wait for. */
      readonly isOwn: boolean;
    };

/** One request to the platform, with the app's current secret and within its deadline, emitted as events. */
export class TokenFetch {
  private yieldUntilMonoMs = -Infinity;
  /** Wanted at every look at what is due, and the same for months. */
  private known: { readonly appSecret: string; readonly credential: string } | null = null;
  private address: { readonly refusal: BackOff; readonly untilMonoMs: number } | null = null;
  /** What this process sent, by its own count. */
  readonly floor: FetchFloor;

  constructor(
    private readonly app: AppDefinition,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events' | 'replica'>,
  ) {
    this.floor = new FetchFloor(app.refresh, ports.clock);
  }

  /** The last request got no answer, which may be so for this replica alone: another one should try next. */
  get yieldsToOthers(): boolean {
    return this.ports.clock.monotonicMs() < this.yieldUntilMonoMs;
  }

  /** The platform refused the address of this replica when it last asked; null otherwise. Not shared: others may be welcome. */
  get addressRefusal(): BackOff | null {
    return this.address?.refusal ?? null;
  }

  /** That refusal, while it holds the next request of this replica up. */
  get addressBackOff(): BackOff | null {
    const { address } = this;
    return address && this.ports.clock.monotonicMs() < address.untilMonoMs ? address.refusal : null;
  }

  /** When what holds this replica's next request up ends, on the monotonic clock. */
  get nextMonoMs(): readonly number[] {
    return [this.yieldUntilMonoMs, this.address?.untilMonoMs ?? -Infinity, this.floor.nextHealMonoMs];
  }

  /** What this process sent today. */
  get count(): DayCount {
    return this.floor.count;
  }

  /** What the next request is sent with, as a back-off names it; null if the platform refused that to this replica. */
  get credential(): string | null {
    return this.app.secrets.isCurrentRefused ? null : this.credentialOf(this.app.secrets.current ?? '');
  }

  private credentialOf(appSecret: string): string {
    if (this.known?.appSecret !== appSecret) {
      this.known = { appSecret, credential: fingerprint(`${this.app.appId}\n${appSecret}`) };
    }
    return this.known.credential;
  }

  /** There must be a secret. Never throws. */
  async send(
    request: {
      readonly reason: FetchReason;
      readonly charge: Charge | null;
      readonly forceNew: boolean;
      readonly fence: number;
    },
    before: FailuresBefore,
  ): Promise<FetchResult> {
    const { clock, events } = this.ports;
    const app = this.app.name;
    const { reason, fence } = request;
    const startMonoMs = clock.monotonicMs();
    events.emit({ app, kind: 'fetch_started', reason, fence });
    const appSecret = this.app.secrets.current ?? '';
    const outcome = await this.issue(appSecret, request.forceNew);
    if (outcome.kind !== 'not_sent') this.floor.add(reason, request.charge);
    const result = this.result(outcome, before, appSecret, clock.monotonicMs() - startMonoMs);
    const failure = result.kind === 'failed' ? result.failure : null;
    const isUnanswered = failure?.class === 'unavailable';
    this.yieldUntilMonoMs = isUnanswered ? clock.monotonicMs() + failure.delayMs + COURTESY_MS : -Infinity;
    const isLiving = (before.record?.expiresAtMs ?? 0) > before.nowMs;
    // The token is not due: the secret before the refused one is tried when it is.
    const isOfSecretAlone = reason === 'secret_change' && isLiving && this.app.secrets.refused !== null;
    events.emit({
      app,
      kind: 'fetch_ended',
      reason,
      outcome: result.kind === 'failed' ? result.outcome : result.kind,
      durationMs: clock.monotonicMs() - startMonoMs,
      errcode: failure?.errcode ?? null,
      message: failure?.message ?? (outcome.kind === 'issued' ? outcome.remark : null) ?? null,
      remedy: failure && remedyOf(this.app.issuer, failure),
      retryInMs: isOfSecretAlone ? null : (failure?.delayMs ?? null),
    });
    return result;
  }

  private result(
    outcome: IssueOutcome,
    before: FailuresBefore,
    appSecret: string,
    tookMs: number,
  ): FetchResult {
    // Of the stored token, as the answer comes: below 0 while it lives, and infinite where there is none.
    const sinceEndMs = before.nowMs + tookMs - (before.record?.expiresAtMs ?? -Infinity);
    if (outcome.kind !== 'issued') {
      const isOwn = outcome.kind === 'refused' && this.app.issuer.explain(outcome.errcode).addressRejected;
      const failure = isOwn
        ? this.refusedAddress(outcome, before)
        : this.failureOf(outcome, before, appSecret, sinceEndMs);
      return { kind: 'failed', outcome: outcome.kind, failure, isOwn };
    }
    this.address = null;
    this.app.secrets.accepted(appSecret);
    const expiresInMs = this.lifeMs(outcome, before);
    const { value, tokenType } = outcome;
    // It may end while the answer is on its way.
    const hasEnded = expiresInMs <= (value === before.record?.value ? tookMs : 0);
    if (!hasEnded) return { kind: 'issued', value, expiresInMs, tokenType };
    const failure = {
      class: 'busy',
      errcode: null,
      message: 'the platform returned the token that has ended, and none after it yet',
      credential: null,
      fault: TOKEN_ENDED,
      delayMs: successorWaitMs(sinceEndMs),
    } as const;
    return { kind: 'failed', outcome: 'refused', failure, isOwn: false };
  }

  /**
   * From when the fetch began. A platform may say a full life of a token that it returns again: unless its rule is that a
   * fetch renews it, the end that is known holds. It may also round what is left down to whole seconds.
   */
  private lifeMs(
    { value, expiresInSeconds }: Extract<IssueOutcome, { kind: 'issued' }>,
    { record, nowMs }: FailuresBefore,
  ): number {
    const saidMs = expiresInSeconds * 1000;
    if (record?.value !== value || windowMsOf(this.app.issuer.rule) === Infinity) return saidMs;
    const knownMs = record.expiresAtMs - nowMs;
    // So long after its end the record is wrong, not the platform.
    return knownMs < -MAX_HOLE_MS ? saidMs : Math.min(knownMs, saidMs + ROUNDING_MS);
  }

  private async issue(appSecret: string, forceNew: boolean): Promise<IssueOutcome> {
    const { name, appId, issuer, refresh } = this.app;
    try {
      return await withDeadline(this.ports.clock, refresh.upstreamTimeoutMs, (deadline) =>
        issuer.issue({ app: name, appId, appSecret }, deadline, { forceNew }),
      );
    } catch (error) {
      return { kind: 'unknown', cause: error instanceof Error ? error : new Error('the issuer failed') };
    }
  }

  private refusedAddress(
    { errcode, message }: Extract<IssueOutcome, { kind: 'refused' }>,
    before: FailuresBefore,
  ): FailedFetch {
    const { clock, replica } = this.ports;
    const own = { ...before, backOff: this.addressRefusal };
    const delayMs = waitAfterFailureMs('configuration', own, this.app.refresh, clock.random());
    const why = {
      class: 'configuration',
      errcode,
      message: `the address of replica ${replica} is refused${message && `: ${message}`}`,
      credential: null,
    } as const;
    const refusal = { ...why, atMs: before.nowMs, untilMs: before.nowMs + delayMs };
    this.address = { refusal, untilMonoMs: clock.monotonicMs() + delayMs };
    return { ...why, delayMs };
  }

  private failureOf(
    outcome: Exclude<IssueOutcome, { kind: 'issued' }>,
    before: FailuresBefore,
    appSecret: string,
    sinceEndMs: number,
  ): FailedFetch {
    const { clock } = this.ports;
    const random = clock.random();
    const { refresh } = this.app;
    if (outcome.kind !== 'refused') {
      const { message, fault, retryAfterMs } = outcome.cause;
      const waitMs = waitAfterFailureMs('unavailable', before, refresh, random);
      const delayMs = noSooner(waitMs, retryAfterMs);
      return { class: 'unavailable', errcode: null, message, credential: null, fault, delayMs };
    }
    const { errcode, message, retryAfterMs } = outcome;
    const advice = this.app.issuer.explain(errcode);
    const refusal = { errcode, message, atMs: before.nowMs };
    const hasOtherSecret =
      advice.secretRejected && this.app.secrets.rejected(appSecret, clock.monotonicMs(), refusal);
    const isInHole = advice.class === 'busy' && this.isInHole(sinceEndMs);
    const waitMs = isInHole
      ? successorWaitMs(sinceEndMs)
      : waitAfterFailureMs(advice.class, before, refresh, random);
    const delayMs = hasOtherSecret ? OTHER_SECRET_WAIT_MS : noSooner(waitMs, retryAfterMs);
    const credential = advice.class === 'configuration' ? this.credentialOf(appSecret) : null;
    return { class: advice.class, errcode, message, credential, delayMs };
  }

  /** The platform gives the same token to its end, and its last one has ended a moment ago. */
  private isInHole(sinceEndMs: number): boolean {
    return windowMsOf(this.app.issuer.rule) === 0 && sinceEndMs >= 0 && sinceEndMs < MAX_HOLE_MS;
  }
}

/** The wait, or a longer one that the platform asks for. */
function noSooner(waitMs: number, retryAfterMs = 0): number {
  return Math.max(waitMs, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
}
