import type { ErrorCode } from '../core/error-code.js';
import { EventSink, type BrokerEvent } from '../core/ports/events.js';
import { ErrcodeLabels } from './sample-lines.js';
import type { MetricCatalogue } from './metric-catalogue.js';

type LoginExchanged = Extract<BrokerEvent, { kind: 'login_exchanged' }>;

/** Turns what the core reports into numbers. */
export class MetricsObserver extends EventSink {
  private readonly errcodes: ErrcodeLabels;

  /** @param errcodes are always counted by themselves */
  constructor(
    private readonly metrics: MetricCatalogue,
    errcodes: Iterable<ErrorCode>,
  ) {
    super();
    this.errcodes = new ErrcodeLabels(errcodes);
  }

  override emit(event: BrokerEvent): void {
    const { metrics } = this;
    const { app } = event;
    switch (event.kind) {
      case 'fetch_ended': {
        const { reason, outcome, durationMs, errcode } = event;
        metrics.upstreamFetches.add({ app, outcome });
        metrics.upstreamFetchReasons.add({ app, reason });
        metrics.upstreamFetchDuration.observe(durationMs / 1000);
        if (errcode !== null) metrics.upstreamErrors.add({ app, errcode: this.errcodes.labelOf(errcode) });
        return;
      }
      case 'rotated':
        metrics.commits.add({ app, result: event.isStored ? 'committed' : 'unstored' });
        return;
      case 'superseded':
        metrics.commits.add({ app, result: 'superseded' });
        return;
      case 'reported':
        metrics.reports.add({ app, result: event.result });
        return;
      case 'died_early':
        metrics.tokenDiedEarly.add({ app });
        return;
      case 'login_exchanged': {
        const { outcome, meaning, errcode, durationMs } = event;
        metrics.showLogins(app);
        metrics.loginExchanges.add({ app, result: loginResult(outcome, meaning) });
        metrics.loginExchangeDuration.observe(app, durationMs / 1000);
        if (errcode !== null) metrics.loginErrors.add({ app, errcode: this.errcodes.labelOf(errcode) });
        return;
      }
      case 'login_code_repeated':
        metrics.showLogins(app);
        metrics.loginRepeatedCodes.add({ app });
        return;
      case 'lease':
        metrics.leases.inc({ result: event.result });
        return;
      case 'login_call_refused':
      case 'fetch_started':
      case 'probed':
      case 'found_token_tried':
      case 'adopted':
      case 'suspected':
      case 'healed':
      case 'claim_refused':
      case 'claim_won':
      case 'store_unavailable':
      case 'store_available':
    }
  }
}

/** The platform's own word for an outcome that nobody knows counts as no answer. */
function loginResult(outcome: LoginExchanged['outcome'], meaning: LoginExchanged['meaning']): string {
  if (outcome === 'answered') return 'ok';
  if (meaning === 'outcome_unknown') return 'unknown';
  return meaning ?? outcome;
}
