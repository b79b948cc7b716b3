import type { ErrorCode } from './error-code.js';

/** Stable names of what can go wrong; programs may rely on them. The HTTP edge maps each to a status. */
export type BrokerErrorCode =
  | 'app_required'
  | 'unknown_app'
  | 'no_token_for_app_type'
  | 'no_token_yet'
  | 'token_expired'
  | 'behind'
  | 'held_elsewhere'
  | 'not_a_token_error'
  | 'refresh_budget_exhausted'
  | 'upstream_unavailable'
  | 'upstream_rejected'
  | 'stopping';

export interface BrokerErrorDetails {
  /** The platform's errcode behind it, if it gave one. */
  readonly errcode?: ErrorCode | undefined;
  /** Whole seconds after which asking again makes sense; present on all that may pass by themselves. */
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** What the broker refuses or cannot do, with a sentence for the person who reads it. Never holds a secret or a token. */
export class BrokerError extends Error {
  override readonly name = 'BrokerError';
  readonly errcode: ErrorCode | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: BrokerErrorCode,
    detail: string,
    details: BrokerErrorDetails = {},
  ) {
    super(detail, { cause: details.cause });
    this.errcode = details.errcode;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }
}

const BRING_IT_BACK =
  'Bring the store back, or the way to it. Until then every replica serves the token that it holds, to its end.';

/** The shared store gave no answer. Whether it did what it was asked is unknown. */
export class StoreUnavailableError extends Error {
  override readonly name = 'StoreUnavailableError';
  /** What a person does about it. */
  readonly remedy: string;

  constructor(
    message: string,
    { cause, remedy = BRING_IT_BACK }: { cause?: unknown; remedy?: string | undefined } = {},
  ) {
    super(message, { cause });
    this.remedy = remedy;
  }
}
