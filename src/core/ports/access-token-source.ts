import type { ErrorCode } from '../error-code.js';

/** One app's access token, for what can only be had with one. */
export interface AccessTokenSource {
  /** Throws `BrokerError` when there is none. */
  current(): Promise<string>;
  /** The platform refused this one with that errcode. Resolves to the one to use now, which may be the same. Throws `BrokerError`. */
  replace(accessToken: string, errcode: ErrorCode): Promise<string>;
}
