import type { TokenlessApp } from '../app-definition.js';
import type { ErrorCode } from '../error-code.js';
import type { AppType } from '../ports/login-provider.js';
import type { BackOff } from '../ports/token-store.js';
import type { SuspectReason } from '../refresh/policy.js';
import type { AppName } from '../token.js';

/**
 * `ok`; `suspect`: served, while it is verified or replaced; `degraded`: served, but refreshes fail; `expired`: had a
 * token and could not replace it in time; `pending`: never had one.
 */
export type AppState = 'ok' | 'suspect' | 'degraded' | 'expired' | 'pending';

/** Why the last fetch brought no token. */
export interface LastError {
  /**
   * `store`: the store does not answer; `budget`: the day's own budget is used up; `report`: callers report a token that
   * is too young to be replaced; `dead`: the platform refuses the token, and no budget is left to replace it; `secret`: there
   * is no AppSecret, or it could not be read again; `claim`: another broker fetches for this app; `suspect`: the platform may
   * have a newer token. The others are the platform's.
   */
  readonly class: BackOff['class'] | 'store' | 'budget' | 'report' | 'dead' | 'secret' | 'claim' | 'suspect';
  /** The platform's errcode; null when it gave no answer. */
  readonly errcode: ErrorCode | null;
  readonly message: string;
  /** What a person does about it. */
  readonly remedy: string;
  readonly atMs: number;
}

/** An app as people and dashboards see it. Never holds a token. Times are milliseconds since the Unix epoch. */
export interface AppStatus {
  readonly app: AppName;
  readonly provider: string;
  /** Null where the platform has but one. */
  readonly type: AppType | null;
  /** Null of an app without a token, which is always `ok`. */
  readonly grant: string | null;
  readonly appId: string;
  readonly state: AppState;
  /** Why the platform may have a newer token; null where nothing says so. */
  readonly suspectReason: SuspectReason | null;
  readonly generation: number | null;
  readonly issuedAtMs: number | null;
  readonly expiresAtMs: number | null;
  readonly nextRefreshAtMs: number | null;
  readonly lastError: LastError | null;
  readonly fetchesToday: number;
  readonly fetchBudget: number;
  readonly forcedToday: number;
  /** The most that was used of a pool that reports draw from. */
  readonly reportsToday: number;
  readonly forcedBudget: number;
  /** The store's clock, as far as this replica can tell. */
  readonly nowMs: number;
}

const REMEDY =
  'Put the AppSecret that the platform shows for this app where apps[].appSecret says: users cannot log in without it. A file is read again within seconds.';

/** The status of an app that nothing is fetched for. Only its AppSecret, which logins need, can be wrong. */
export function tokenlessStatus(app: TokenlessApp, nowMs: number): AppStatus {
  const { name, provider, type, appId } = app;
  const lastError = secretError(app, nowMs);
  return {
    app: name,
    provider,
    type,
    grant: null,
    appId,
    state: lastError === null ? 'ok' : 'degraded',
    suspectReason: null,
    generation: null,
    issuedAtMs: null,
    expiresAtMs: null,
    nextRefreshAtMs: null,
    lastError,
    fetchesToday: 0,
    fetchBudget: 0,
    forcedToday: 0,
    reportsToday: 0,
    forcedBudget: 0,
    nowMs,
  };
}

function secretError({ secrets }: TokenlessApp, nowMs: number): LastError | null {
  const { missing, currentRefusal, lost } = secrets;
  if (missing) {
    const message = `there is no AppSecret: ${missing}`;
    return { class: 'secret', errcode: null, message, remedy: REMEDY, atMs: nowMs };
  }
  if (currentRefusal) {
    const { errcode, message, atMs } = currentRefusal;
    return { class: 'configuration', errcode, message, remedy: REMEDY, atMs };
  }
  if (!lost) return null;
  const message = `the AppSecret cannot be read any more (${lost.why}); the one that was read before is used`;
  return { class: 'secret', errcode: null, message, remedy: REMEDY, atMs: lost.atMs };
}
