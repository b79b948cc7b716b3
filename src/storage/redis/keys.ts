import { identityKey, type AppIdentity } from '../../core/app-definition.js';

/** Of the claims of all brokers on one Redis, which have to find each other whatever their own prefixes are. */
export const CLAIM_PREFIX = 'tokenbroker:claim:';

export interface AppKeys {
  readonly state: string;
  /** Whose state was written last under the app's name: its identity, in clear. */
  readonly owner: string;
  readonly lease: string;
}

/**
 * The keys of one app. The braces are a hash tag: Redis Cluster keeps them on one node, so that a script may use them
 * together. State and lease name the AppID, so that nothing of another AppID is ever taken over; the owner does not.
 */
export function appKeys(prefix: string, app: AppIdentity): AppKeys {
  const base = `${prefix}${identityKey(app)}`;
  return { state: `${base}:state`, owner: `${prefix}{${app.name}}:owner`, lease: `${base}:lease` };
}

/** The keys of version 0.1, which name the app's alias only. */
export function legacyKeys(
  prefix: string,
  { name }: Pick<AppIdentity, 'name'>,
): { readonly state: string; readonly fence: string; readonly lease: string } {
  const base = `${prefix}{${name}}`;
  return { state: `${base}:state`, fence: `${base}:fence`, lease: `${base}:lease` };
}

/** Where rotations are announced. */
export function rotationChannel(prefix: string): string {
  return `${prefix}rotations`;
}
