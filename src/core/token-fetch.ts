import type { AppDefinition } from './app-definition.js';
import type { AppSecrets } from './app-secrets.js';
import type { BrokerPorts } from './broker-ports.js';
import { waitAfterFailureMs } from './renewal-policy.js';
import { remedyOf, type IssueOutcome } from './token-issuer.js';
import type { FailedFetch, StoreView } from './token-store.js';
import type { FetchReason } from './token.js';

/** With another AppSecret at hand, a refused one is no reason to wait. */
const OTHER_SECRET_WAIT_MS = 1000;
/** After the shared back-off, a replica that got no answer leaves the next attempt to the others for this long. */
const COURTESY_MS = 1000;

/** What the length of a back-off follows from. */
export type FailuresBefore = Pick<StoreView, 'backOff' | 'failures' | 'nowMs' | 'today'>;

/** What came of one request: a token, or how certain it is that none was minted and how long to wait. */
export type FetchResult =
  | { readonly kind: 'issued'; readonly value: string; readonly expiresInMs: number }
  | {
      readonly kind: 'failed';
      readonly outcome: 'not_sent' | 'refused' | 'unknown';
      readonly failure: FailedFetch;
    };

/** One request to the platform, with the app's current secret and within its deadline, told to the observer. */
export class TokenFetch {
  private yieldUntilMonoMs = -Infinity;

  constructor(
    private readonly app: AppDefinition,
    private readonly secrets: AppSecrets,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'observer'>,
  ) {}

  /** The last request got no answer, which may be so for this replica alone: another one should try next. */
  get yieldsToOthers(): boolean {
    return this.ports.clock.monotonicMs() < this.yieldUntilMonoMs;
  }

  /** There must be a secret. Never throws. */
  async send(
    request: { readonly reason: FetchReason; readonly forceNew: boolean; readonly fence: number },
    before: FailuresBefore,
  ): Promise<FetchResult> {
    const { clock, observer } = this.ports;
    const app = this.app.name;
    const { reason, fence } = request;
    const startMonoMs = clock.monotonicMs();
    observer.notice({ app, kind: 'fetch_started', reason, fence });
    const appSecret = this.secrets.current ?? '';
    const outcome = await this.issue(appSecret, request.forceNew);
    const result = this.result(outcome, before, appSecret);
    const failure = result.kind === 'failed' ? result.failure : null;
    const isUnanswered = failure?.class === 'unavailable';
    this.yieldUntilMonoMs = isUnanswered ? clock.monotonicMs() + failure.delayMs + COURTESY_MS : -Infinity;
    observer.notice({
      app,
      kind: 'fetch_ended',
      reason,
      outcome: outcome.kind,
      durationMs: clock.monotonicMs() - startMonoMs,
      errcode: failure?.errcode ?? null,
      message: failure?.message ?? null,
      remedy: failure && remedyOf(this.app.issuer, failure),
      retryInMs: failure?.delayMs ?? null,
    });
    return result;
  }

  private result(outcome: IssueOutcome, before: FailuresBefore, appSecret: string): FetchResult {
    if (outcome.kind !== 'issued') {
      return { kind: 'failed', outcome: outcome.kind, failure: this.judge(outcome, before, appSecret) };
    }
    this.secrets.accepted(appSecret);
    return { kind: 'issued', value: outcome.value, expiresInMs: outcome.expiresInSeconds * 1000 };
  }

  private async issue(appSecret: string, forceNew: boolean): Promise<IssueOutcome> {
    const { name, appId, issuer, refresh } = this.app;
    const timeoutMs = refresh.upstreamTimeoutMs;
    const controller = new AbortController();
    const cancel = this.ports.clock.after(timeoutMs, () => {
      controller.abort();
    });
    try {
      return await issuer.issue(
        { app: name, appId, appSecret },
        { signal: controller.signal, timeoutMs },
        { forceNew },
      );
    } catch (error) {
      return { kind: 'unknown', cause: error instanceof Error ? error : new Error('the issuer failed') };
    } finally {
      cancel();
    }
  }

  private judge(
    outcome: Exclude<IssueOutcome, { kind: 'issued' }>,
    before: FailuresBefore,
    appSecret: string,
  ): FailedFetch {
    const { clock } = this.ports;
    const random = clock.random();
    const { dailyBudget } = this.app.refresh;
    if (outcome.kind !== 'refused') {
      const delayMs = waitAfterFailureMs('unavailable', before, dailyBudget, random);
      return { class: 'unavailable', errcode: null, message: outcome.cause.message, delayMs };
    }
    const { errcode, message } = outcome;
    const advice = this.app.issuer.explain(errcode);
    const refusal = { errcode, message, atMs: before.nowMs };
    const hasOtherSecret =
      advice.secretRejected && this.secrets.rejected(appSecret, clock.monotonicMs(), refusal);
    const delayMs = hasOtherSecret
      ? OTHER_SECRET_WAIT_MS
      : waitAfterFailureMs(advice.class, before, dailyBudget, random);
    return { class: advice.class, errcode, message, delayMs };
  }
}
