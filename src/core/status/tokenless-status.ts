import type { TokenlessApp } from '../app-definition.js';
import type { AppStatus, LastError } from './app-status.js';

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
