import type { TokenClientError } from './token-client-error.js';

/** What happens behind `get()`. Holds no token. */
export type TokenClientEvent =
  /** There is a newer token. */
  | { readonly type: 'token'; readonly generation: number; readonly expiresInSeconds: number }
  /** The broker does not answer, or refuses. The token held is used to the end of its life, 0 without one. */
  | { readonly type: 'degraded'; readonly error: TokenClientError; readonly expiresInSeconds: number }
  | { readonly type: 'recovered' }
  /** A token was refused by the platform, and the broker gave no other: `call()` returned what the platform had said. */
  | { readonly type: 'report_failed'; readonly errcode: number; readonly error: TokenClientError };
