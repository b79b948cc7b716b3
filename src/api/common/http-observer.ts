/** Why a request was turned away before its route was reached. */
export type DenialReason = 'missing_key' | 'unknown_key' | 'missing_scope';

/** Which limit was reached: requests on one connection without waiting for answers, requests that are worked on, answers that nobody reads. */
export type OverloadLimit = 'pipelining' | 'in_flight' | 'unread';

/** Is told about every request. Called on the hot path: must be cheap, must not throw and must not wait. */
export abstract class HttpObserver {
  /** Once per answered request. `route` is the pattern, `unmatched` for URLs that are no route, so its values are few. */
  abstract request(route: string, method: string, status: number, durationMs: number): void;
  abstract denied(reason: DenialReason, route: string): void;
  /** A request was turned away, or a connection cut, because a limit was reached. */
  abstract overloaded(limit: OverloadLimit): void;
  /** A drop-in route answered 200 with this errcode instead of a token. Comes besides `request`. */
  abstract refusedAsWechat(route: string, errcode: number): void;
}
