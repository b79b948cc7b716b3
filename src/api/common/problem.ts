import type { ErrorCode } from '../../core/error-code.js';
import { STATUS_CODES } from 'node:http';
import type { BrokerErrorCode } from '../../core/errors.js';
import type { LoginAction, LoginErrorCode } from '../../core/login/login-error.js';
import { errorCode, integer, object, oneOf, text, type FromSchema } from './schema.js';

type EdgeErrorCode =
  | 'invalid_request'
  | 'unauthorized'
  | 'key_expired'
  | 'jwt_rejected'
  | 'jwt_expired'
  | 'jwt_wrong_audience'
  | 'jwt_unknown_subject'
  | 'jwt_keys_unavailable'
  | 'forbidden'
  | 'browser_refused'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'payload_too_large'
  | 'uri_too_long'
  | 'unsupported_media_type'
  | 'headers_too_large'
  | 'internal_error'
  | 'overloaded'
  | 'starting'
  | 'path_not_allowed'
  | 'virtual_tokens_only'
  | 'too_many_requests'
  | 'upstream_lost'
  | 'upstream_timeout';

/** Every `code` that an answer can bear. */
export type ProblemCode = BrokerErrorCode | LoginErrorCode | EdgeErrorCode;

const LOGIN_STATUS: Readonly<Record<Exclude<LoginErrorCode, BrokerErrorCode>, number>> = {
  redirect_uri_not_allowed: 400,
  scope_not_allowed: 400,
  code_missing: 400,
  wrong_app_type: 400,
  state_unknown: 400,
  state_expired: 400,
  state_mismatch: 400,
  ticket_unknown: 400,
  scope_missing: 403,
  user_blocked: 403,
  session_unknown: 404,
  state_used: 409,
  code_used: 409,
  ticket_used: 409,
  reauthorize_required: 409,
  code_expired: 410,
  code_invalid: 422,
  data_invalid: 422,
  rate_limited: 429,
  exchange_outcome_unknown: 502,
  app_misconfigured: 503,
  store_unavailable: 503,
};

const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid_request: 400,
  app_required: 400,
  unauthorized: 401,
  key_expired: 401,
  jwt_rejected: 401,
  jwt_expired: 401,
  jwt_wrong_audience: 401,
  jwt_unknown_subject: 401,
  jwt_keys_unavailable: 503,
  forbidden: 403,
  browser_refused: 403,
  not_found: 404,
  unknown_app: 404,
  no_token_for_app_type: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  payload_too_large: 413,
  uri_too_long: 414,
  unsupported_media_type: 415,
  not_a_token_error: 422,
  refresh_budget_exhausted: 429,
  headers_too_large: 431,
  internal_error: 500,
  no_token_yet: 503,
  token_expired: 503,
  behind: 503,
  held_elsewhere: 503,
  upstream_unavailable: 503,
  upstream_rejected: 503,
  overloaded: 503,
  starting: 503,
  stopping: 503,
  ...LOGIN_STATUS,
  path_not_allowed: 403,
  virtual_tokens_only: 403,
  too_many_requests: 429,
  upstream_lost: 502,
  upstream_timeout: 504,
};

/** For problems that may pass by themselves and do not know when. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

/** The platform may have carried out what was asked: nobody is told when to ask for it again. */
const OUTCOME_UNKNOWN: ReadonlySet<ProblemCode> = new Set([
  'exchange_outcome_unknown',
  'upstream_lost',
  'upstream_timeout',
]);

const loginAction = oneOf<LoginAction>('fix_request', 'reauthorize', 'stop', 'retry', 'fix_config');

export const problemSchema = {
  title: 'Problem',
  description: 'RFC 9457. `code` is stable and for programs; `detail` is for people and says what to do.',
  ...object(
    { type: text, title: text, status: integer, code: text, detail: text },
    {
      errcode: { ...errorCode, description: 'What the platform said.' },
      retry_after: { ...integer, description: 'Seconds; the same as the header Retry-After.' },
      limit: {
        type: 'string',
        description: 'Which limit was reached, as `tokenbroker_http_overload_total` has it.',
      },
      action: { ...loginAction, description: 'Of a login: what the service does about it.' },
    },
  ),
};

/** The body of an error. `retry_after`, whole seconds, is there for 429 and 5xx, unless the outcome is unknown. */
export type Problem = FromSchema<typeof problemSchema> & { readonly code: ProblemCode };

export interface ProblemHints {
  /** Where the code alone does not say it. */
  readonly status?: number | undefined;
  readonly errcode?: ErrorCode | undefined;
  readonly retryAfterSeconds?: number | undefined;
  readonly action?: LoginAction | undefined;
}

export function problem(code: ProblemCode, detail: string, hints: ProblemHints = {}): Problem {
  const status = hints.status ?? STATUS[code];
  const mayPass = (status === 429 || status >= 500) && !OUTCOME_UNKNOWN.has(code);
  const retryAfter = hints.retryAfterSeconds ?? (mayPass ? DEFAULT_RETRY_AFTER_SECONDS : undefined);
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    errcode: hints.errcode,
    action: hints.action,
    retry_after: retryAfter === undefined ? undefined : Math.max(1, Math.ceil(retryAfter)),
  };
}

export interface HttpProblemOptions extends ProblemHints {
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the body. */
  readonly members?: object;
}

/** An answer other than success that the edge itself decides on. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';

  constructor(
    readonly code: ProblemCode,
    detail: string,
    readonly options: HttpProblemOptions = {},
  ) {
    super(detail);
  }
}

/** The caller is to send less: HTTP says 429. */
export function isRefusedLimit({ code }: HttpProblem): boolean {
  return STATUS[code] === 429;
}
