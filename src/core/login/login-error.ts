import type { ErrorCode } from '../error-code.js';

/** What the caller does next. `fix_request`: the caller's own fault; `reauthorize`: send the user through the login page again. */
export type LoginAction = 'fix_request' | 'reauthorize' | 'stop' | 'retry' | 'fix_config';

/** What the caller does about each, and what it means, for people. Programs may rely on the names. */
const CODES = {
  unknown_app: [
    'fix_request',
    'There is no such app, or this caller may not see it: GET /apps lists those that it may.',
  ],
  wrong_app_type: ['fix_request', 'Apps of this type have no such login: name an app of another type.'],
  redirect_uri_not_allowed: [
    'fix_request',
    'Name one of the redirect URIs in apps[].login.redirectUris, exactly as it stands there.',
  ],
  scope_not_allowed: ['fix_request', 'Apps of this type have no such scope.'],
  code_missing: ['fix_request', 'Send the code that the platform gave, unchanged.'],
  state_unknown: ['reauthorize', 'This state was not given to this caller for this app. Begin a new login.'],
  state_expired: ['reauthorize', 'The login took too long. Begin a new one.'],
  state_mismatch: [
    'reauthorize',
    'The binding or code_verifier is not that of this state: another browser began this login. Begin a new one.',
  ],
  state_used: ['reauthorize', 'This state was used before. Begin a new login.'],
  ticket_unknown: [
    'reauthorize',
    'This ticket was not given to this caller, or is too old. Begin a new login.',
  ],
  ticket_used: ['reauthorize', 'This ticket was used before. Begin a new login.'],
  code_used: ['reauthorize', 'This code was used before. Begin a new login.'],
  code_invalid: ['reauthorize', 'The platform does not know this code. Begin a new login.'],
  code_expired: ['reauthorize', 'This code is too old. Begin a new login.'],
  exchange_outcome_unknown: [
    'reauthorize',
    'The platform gave no usable answer, and the code may be spent. Begin a new login.',
  ],
  session_unknown: [
    'reauthorize',
    'This session was not given to this caller, or has ended. Begin a new login.',
  ],
  reauthorize_required: ['reauthorize', 'The user has to log in again: the platform ended the grant.'],
  scope_missing: [
    'reauthorize',
    'The user has not agreed to the scope that this takes. Begin a login with that scope.',
  ],
  user_blocked: ['stop', 'The platform has blocked this user.'],
  data_invalid: [
    'fix_request',
    'This data is not of this app, or was changed on its way: send it as the platform gave it.',
  ],
  rate_limited: ['retry', 'The platform takes no more calls for now: send this again after Retry-After.'],
  app_misconfigured: [
    'fix_config',
    'The platform refuses the app. Those who run the broker see why in its log and in GET /apps.',
  ],
  upstream_unavailable: ['retry', 'The platform could not be asked, and nothing was spent.'],
  store_unavailable: ['retry', 'The store of logins gives no answer: send this again after Retry-After.'],
} as const satisfies Readonly<Record<string, readonly [LoginAction, string]>>;

/** Stable names; the HTTP edge maps each to a status. */
export type LoginErrorCode = keyof typeof CODES;

export interface LoginErrorDetails {
  /** What to do about this one, where more can be said than the code says. */
  readonly text?: string;
  /** The platform's errcode behind it, if it gave one. */
  readonly errcode?: ErrorCode | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly cause?: unknown;
}

/** What a login is refused for or cannot do. Holds no code, state, token or key. */
export class LoginError extends Error {
  override readonly name = 'LoginError';
  readonly action: LoginAction;
  readonly errcode: ErrorCode | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    readonly code: LoginErrorCode,
    { text, errcode, retryAfterSeconds, cause }: LoginErrorDetails = {},
  ) {
    const [action, meaning] = CODES[code];
    super(text ?? meaning, { cause });
    this.action = action;
    this.errcode = errcode;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}
