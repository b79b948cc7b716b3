import type { AppName } from '../../core/token.js';

/**
 * What became of a call. `ok`; `rejected`: the platform answered with an error; `token_dead`: with one that says that the
 * token is dead, and no other helped; `failed`: with a 5xx; `unreachable`: nothing was sent; `lost` and `timeout`: no answer
 * came; `refused`: the broker did not pass it on; `aborted`: the caller went away.
 */
export type CallOutcome =
  'ok' | 'rejected' | 'token_dead' | 'failed' | 'unreachable' | 'lost' | 'timeout' | 'refused' | 'aborted';

/** Is told about every call through the gateway. Must be cheap, must not throw and must not wait. */
export abstract class GatewayObserver {
  /**
   * Once per call, when its answer is sent or given up.
   *
   * @param path the entry of the client's allow list, as configured; `none` where none allows it
   * @param upstreamMs until the first byte of the last answer of the platform; null without one
   */
  abstract called(
    app: AppName,
    path: string,
    outcome: CallOutcome,
    durationMs: number,
    upstreamMs: number | null,
  ): void;
  /** @param limit of the count */
  abstract inFlight(app: AppName, count: number, limit: number): void;
  /** A call is sent once more, with a new token. */
  abstract retried(app: AppName): void;
}
