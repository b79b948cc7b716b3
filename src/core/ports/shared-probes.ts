import type { AppIdentity } from '../app-definition.js';

/** A token that is to be tried. */
export interface ProbedToken {
  readonly app: AppIdentity;
  readonly value: string;
  /** As `TokenRecord` has it. */
  readonly since: number;
}

/** One replica's attempt to find out whether the platform takes a token. `id` is unique. */
export interface ProbeAttempt extends ProbedToken {
  readonly id: string;
}

/**
 * `ours`: this replica is to ask the platform. `theirs`: another one asks, or was told a moment ago that the token is refused.
 * `unknown`: what is there cannot be read.
 */
export type ProbeClaim =
  | { readonly kind: 'ours'; readonly attempt: ProbeAttempt }
  | { readonly kind: 'theirs'; readonly id: string; readonly isRefused: boolean }
  | { readonly kind: 'unknown' };

/**
 * Which replica asks the platform about a token that callers of many replicas report, and whether it was refused. It saves calls: whoever
 * cannot find out asks by itself. Both methods reject with a `StoreUnavailableError` when the store cannot answer.
 */
export abstract class SharedProbes {
  /** Claims the attempt for `durationMs`, if nobody else has it and no refusal is there. */
  abstract claim(token: ProbedToken, durationMs: number): Promise<ProbeClaim>;

  /** Has the others know for `keptMs` that the token is refused, or else ask by themselves; does nothing once the claim is over. */
  abstract finish(attempt: ProbeAttempt, isRefused: boolean, keptMs: number): Promise<void>;
}
