import type { AppName } from './token.js';
import type { TokenIssuer } from './token-issuer.js';

/** How an app's token is kept alive. The renewal policy bounds `aheadMs` and `jitterMs` by the token's real life. */
export interface RefreshSettings {
  /** Fetch this long before expiry. */
  readonly aheadMs: number;
  /** Spread over replicas, either way. */
  readonly jitterMs: number;
  /** All fetches of a day of UTC+8. */
  readonly dailyBudget: number;
  /** Those of them that a caller asked for. */
  readonly forcedDailyBudget: number;
  /** Try a reported token at the platform before fetching a new one. */
  readonly verifyReports: boolean;
  readonly upstreamTimeoutMs: number;
  readonly leaseMs: number;
  readonly reconcileMs: number;
}

/** One app as the broker keeps it. */
export interface AppDefinition {
  readonly name: AppName;
  /** The platform, for people: `wechat`. */
  readonly provider: string;
  /** How the platform gives tokens, for people: `stable` or `classic`. */
  readonly grant: string;
  readonly appId: string;
  /** The secret at start; `TokenBroker.changeSecret` offers a newer one. */
  readonly appSecret: string;
  readonly issuer: TokenIssuer;
  readonly refresh: RefreshSettings;
}
