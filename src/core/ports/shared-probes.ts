import type { AppIdentity } from '../app-definition.js';
import type { ProbeOutcome } from './token-issuer.js';

/** One replica's attempt to find out whether the platform takes a token. `id` is unique. */
export interface ProbeAttempt {
  readonly app: AppIdentity;
  /** `TokenRecord.since` of the token, which names its value. */
  readonly since: number;
  readonly id: string;
}

/** What the platform said; an attempt without an answer is as good as none. */
export type ProbeVerdict = Exclude<ProbeOutcome, 'no_answer'>;

/**
 * `ours`: this replica is to ask the platform. `theirs`: another one asks, or has asked a moment ago; `verdict` is null while
 * it waits for the answer. `unknown`: what is there cannot be read.
 */
export type ProbeClaim =
  | { readonly kind: 'ours'; readonly attempt: ProbeAttempt }
  | { readonly kind: 'theirs'; readonly id: string; readonly verdict: ProbeVerdict | null }
  | { readonly kind: 'unknown' };

/**
 * Which replica asks the platform about a token that many of them doubt, and what it was told. It saves calls: whoever
 * cannot find out asks by itself. Both methods reject with a `StoreUnavailableError` when the store cannot answer.
 */
export abstract class SharedProbes {
  /**
   * Claims the attempt for `durationMs`, if nobody else has it and no verdict is there.
   *
   * @param replaces the attempt whose verdict is of no use to this replica, or null: it is replaced by the new claim
   */
  abstract claim(
    token: Omit<ProbeAttempt, 'id'>,
    durationMs: number,
    replaces: string | null,
  ): Promise<ProbeClaim>;

  /** Has the others know the verdict for `keptMs`, or, with null, ask by themselves; does nothing once the claim is over. */
  abstract finish(attempt: ProbeAttempt, verdict: ProbeVerdict | null, keptMs: number): Promise<void>;
}
