import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import { claimId, type ClaimedApp } from '../../core/ports/app-claim.js';
import type { AppName } from '../../core/token.js';

/** The key of a claim. Brokers on one Redis have to see each other's, so it has no broker's prefix. */
export const CLAIM_PREFIX = 'tokenbroker:claim:';

/** Those of a group are on one node of a cluster, so that one script may use them together. */
export function claimKey(app: ClaimedApp): { readonly key: string; readonly group: number } {
  const { id, group } = claimId(app);
  return { key: `${CLAIM_PREFIX}{${group}}:${id}`, group };
}

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

/** The key of the probes of one token, by the first generation with its value. */
export function probeKey(prefix: string, app: AppIdentity, since: number): string {
  return `${prefix}${identityKey(app)}:probe:${since}`;
}

/** The keys of version 0.1, which name the app's alias only. */
export function legacyKeys(
  prefix: string,
  { name }: Pick<AppIdentity, 'name'>,
): { readonly state: string; readonly fence: string; readonly lease: string } {
  const base = `${prefix}{${name}}`;
  return { state: `${base}:state`, fence: `${base}:fence`, lease: `${base}:lease` };
}

/** What is kept of logins; `refresh` is the right to refresh a session's tokens. */
export type LoginKind = 'state' | 'code' | 'outcome' | 'session' | 'refresh' | 'key';

/** Found by a hash, on the same node as all else of the app. */
export function loginKey(prefix: string, app: AppName, kind: LoginKind, digest: string): string {
  return `${prefix}{${app}}:login:${kind}:${digest}`;
}

/** The key of a user's token that was handed out. It names no app, for none is known when it is looked up. */
export function tokenKey(prefix: string, digest: string): string {
  return `${prefix}login:token:${digest}`;
}

/** The list of apps whose state was written last. On a cluster it may be on another node than the apps. */
export function changesKey(prefix: string): string {
  return `${prefix}changes`;
}

/** Where rotations are announced. */
export function rotationChannel(prefix: string): string {
  return `${prefix}rotations`;
}

/** What happened to an app's token, a stream. */
export function historyKey(prefix: string, app: AppName): string {
  return `${prefix}{${app}}:history`;
}

/** The newest of what happened to all apps, a stream. */
export function recentHistoryKey(prefix: string): string {
  return `${prefix}history`;
}

/** The replicas, a hash by their ids. */
export function replicasKey(prefix: string): string {
  return `${prefix}replicas`;
}

/** When each identity of a client was used last, a hash. */
export function lastUsesKey(prefix: string): string {
  return `${prefix}last-uses`;
}

/** The generations that a replica shows, a hash by apps. */
export function generationsKey(prefix: string, replica: string): string {
  return `${prefix}replica:${replica}:generations`;
}
