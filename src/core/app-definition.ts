import type { AppSecrets } from './app-secrets.js';
import type { AppType } from './ports/login-provider.js';
import type { AccessTokenSource, TokenIssuer } from './ports/token-issuer.js';
import type { AppName } from './token.js';

/** How an app's token is kept alive. The renewal policy bounds `aheadMs` and `jitterMs` by the token's real life. */
export interface RefreshSettings {
  /** Fetch this long before expiry. */
  readonly aheadMs: number;
  /** Spread over replicas, either way. */
  readonly jitterMs: number;
  /** All fetches of one of the platform's days. */
  readonly dailyBudget: number;
  /** Those of them that a caller asked for. */
  readonly forcedDailyBudget: number;
  /** The platform's day begins so long before 00:00 UTC. */
  readonly dayOffsetMs: number;
  /** Try a reported token at the platform before fetching a new one. */
  readonly verifyReports: boolean;
  readonly upstreamTimeoutMs: number;
  readonly leaseMs: number;
  readonly reconcileMs: number;
}

/** Whose token it is. All four name an app's shared state: a token of another AppID under the same name is another app's. */
export interface AppIdentity {
  readonly name: AppName;
  /** The platform's id. */
  readonly provider: string;
  readonly appId: string;
  /** Which of the app's tokens, where the platform gives it several; of a ticket, its type. */
  readonly grant: string;
}

/** The identity as one string: distinguishes two apps in maps, keys and messages. */
export function identityKey({ name, provider, appId, grant }: AppIdentity): string {
  return `{${name}}:${[provider, appId, grant].map(encodeURIComponent).join(':')}`;
}

/** A kind of ticket: one more token, which only an access token of the app gets. */
export interface TicketDefinition {
  /** As callers name it. */
  readonly type: string;
  /** What differs from the app's own settings. */
  readonly refresh: Partial<RefreshSettings>;
  readonly issuer: (tokens: AccessTokenSource) => TokenIssuer;
}

/** An app without a token, whose users only log in. */
export interface TokenlessApp extends Pick<AppIdentity, 'name' | 'provider' | 'appId'> {
  readonly type: AppType;
  /** Shared with logins, as in `AppDefinition`. */
  readonly secrets: AppSecrets;
}

/** One app as the broker keeps it. */
export interface AppDefinition extends AppIdentity {
  /** Of a platform whose apps differ in how users log in. */
  readonly type?: AppType | undefined;
  /** What people are shown of `appId`, which may be a secret in the wrong place. Left out: the id itself. */
  readonly shownId?: string;
  /** Shared with all else that needs the secret, such as logins; `TokenBroker.changeSecret` offers a newer one. */
  readonly secrets: AppSecrets;
  /** Of the platform's API, with its port if that is not the usual one. */
  readonly host: string;
  readonly issuer: TokenIssuer;
  /** Read at each use: `TokenBroker.configure` changes the values in place. */
  readonly refresh: RefreshSettings;
  /** Made when somebody asks: nearly all apps have kinds of tickets that nobody ever wants. */
  readonly tickets: () => readonly TicketDefinition[];
  /** Of a ticket: whose it is, and what differs from that app's settings. */
  readonly parent?: { readonly app: AppName; readonly refresh: Partial<RefreshSettings> };
}

/** An app as it is configured: one with a token, or one whose users only log in. */
export type ConfiguredApp = AppDefinition | TokenlessApp;

/** Whether the first is the second with other settings: the token that is held is still the right one. */
export function isSameApp(one: ConfiguredApp, other: ConfiguredApp): boolean {
  const hasToken = 'issuer' in one;
  if (hasToken !== 'issuer' in other || one.type !== other.type) return false;
  if (!hasToken || !('issuer' in other)) return one.provider === other.provider && one.appId === other.appId;
  return identityKey(one) === identityKey(other) && one.host === other.host;
}
