import type { Socket } from 'node:net';
import type { ErrorCode } from '../error-code.js';
import type { AppName } from '../token.js';
import type { ErrcodeAdvice } from './token-issuer.js';

/** Where a call shows the token. */
export type TokenPlace =
  | { readonly kind: 'query'; readonly parameter: string }
  /** In lower case. `prefix` stands before the token: `Bearer `, with its space. */
  | { readonly kind: 'header'; readonly header: string; readonly prefix: string };

/** The answer to a call. */
export interface PlatformAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** All of it where it is JSON of at most 64 KiB, else null. */
  readonly json: Buffer | null;
}

/**
 * What the gateway does with a path. `forbidden`: it gives tokens away, or takes the AppSecret; `admin`: it concerns all who
 * use the app; `ticket`: the broker answers itself, from the ticket that it keeps.
 */
export type PathRule = 'open' | 'forbidden' | 'admin' | 'ticket';

/** How calls to a platform's own API pass through the broker. */
export interface GatewayProfile {
  /** Of the API, without a slash at its end. */
  readonly baseUrl: string;
  readonly token: TokenPlace;
  /** @param path decoded, in lower case, without a slash at its end */
  ruleOf(path: string): PathRule;
  /** What the platform refuses the call with; null where it did not, or where nothing says so. */
  errcodeOf(answer: PlatformAnswer): ErrorCode | null;
}

/** An app whose platform takes calls through the broker. */
export interface GatewayApp {
  readonly name: AppName;
  readonly profile: GatewayProfile;
  readonly errors: { explain(errcode: ErrorCode): ErrcodeAdvice };
  /** Until the first byte of an answer. */
  readonly timeoutMs: number;
  /** A connection to the host of the API, TLS and certificate included. Rejects where none comes up, and says why. */
  readonly connect: (target: URL, options: { readonly timeoutMs: number }) => Promise<Socket>;
}

export abstract class GatewaySettings {
  abstract readonly apps: readonly GatewayApp[];
  abstract readonly maxInFlightPerApp: number;
  /** Null: the system's. */
  abstract readonly spoolDirectory: string | null;
}
