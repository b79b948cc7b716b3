import { hash } from 'node:crypto';
import type { AppIdentity } from '../app-definition.js';
import type { StoreUnavailableError } from '../errors.js';

/** What a platform knows as one app, whatever brokers call it, and its name in this broker. */
export interface ClaimedApp extends Pick<AppIdentity, 'name' | 'provider' | 'appId'> {
  /** Of the platform's API: another one is another platform. */
  readonly host: string;
}

/** Claims of one group that are asked for at the same time cost one round trip together. */
export const CLAIM_GROUPS = 64;

/** The SHA-256 that all brokers name the app by, in hex, and its group. */
export function claimId({ provider, host, appId }: ClaimedApp): {
  readonly id: string;
  readonly group: number;
} {
  const id = hash('sha256', JSON.stringify([provider, host, appId]));
  return { id, group: parseInt(id.slice(0, 2), 16) % CLAIM_GROUPS };
}

/**
 * `ours`: this broker holds the app now, or goes on holding it. `theirs`: another broker does; `holder` is how it calls
 * itself: anybody's text, stripped to harmless characters and bounded. `unsupported`: the store does not let this broker
 * claim anything. `unavailable`: nobody can tell.
 */
export type ClaimAnswer =
  | { readonly kind: 'ours' }
  | { readonly kind: 'theirs'; readonly holder: string }
  | { readonly kind: 'unsupported' }
  | { readonly kind: 'unavailable'; readonly cause: StoreUnavailableError };

/**
 * Which broker fetches for an app whose every fetch kills the token before: two that do, under different names or key
 * prefixes, share no state and kill each other's tokens. All replicas of one broker hold a claim together. It keeps
 * apart brokers that mean well; somebody who writes to the store can forge or delete it.
 */
export abstract class AppClaim {
  /**
   * Claims the app for this broker, or renews its claim, for `durationMs` on the store's clock. Takes it away from another
   * broker only with `force`, or if that claim has run out or can be no claim: it is unreadable, or lasts for longer than
   * twice `durationMs`. At most one round trip. Never throws.
   */
  abstract claim(
    app: ClaimedApp,
    durationMs: number,
    options: { readonly force: boolean },
  ): Promise<ClaimAnswer>;
}
