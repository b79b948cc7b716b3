import type { Errcode } from './dead-token-errcode.js';

export interface TokenClientErrorDetails {
  /** HTTP status of the broker's answer; absent when there was none. */
  readonly status?: number | undefined;
  /** The platform's errcode behind it, if there is one. */
  readonly errcode?: Errcode | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** Why there is no token. Never holds a token or the API key. */
export class TokenClientError extends Error {
  override readonly name = 'TokenClientError';
  readonly status: number | undefined;
  readonly errcode: Errcode | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    /** The `code` of the broker's answer, or `unreachable`, `invalid_answer`, `closed`. */
    readonly code: string,
    message: string,
    details: TokenClientErrorDetails = {},
  ) {
    super(message, { cause: details.cause });
    this.status = details.status;
    this.errcode = details.errcode;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  /** The broker refuses this client: its key, its rights or its app are wrong, and asking again changes nothing. */
  get isRefusal(): boolean {
    return this.status !== undefined && this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}
