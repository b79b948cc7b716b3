import type { ErrorCode } from '../../core/error-code.js';
import { STATUS_CODES } from 'node:http';
import type { BrokerErrorCode } from '../../core/errors.js';
import { errorCode, integer, object, text, type FromSchema } from './schema.js';

type EdgeErrorCode =
  | 'invalid_request'
  | 'unauthorized'
  | 'forbidden'
  | 'not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'payload_too_large'
  | 'uri_too_long'
  | 'unsupported_media_type'
  | 'headers_too_large'
  | 'internal_error'
  | 'overloaded'
  | 'starting';

/** Every `code` that an answer can bear. */
export type ProblemCode = BrokerErrorCode | EdgeErrorCode;

const STATUS: Readonly<Record<ProblemCode, number>> = {
  invalid_request: 400,
  app_required: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  unknown_app: 404,
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
};

/** For problems that may pass by themselves and do not know when. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;

export const problemSchema = {
  title: 'Problem',
  description: 'RFC 9457. `code` is stable and for programs; `detail` is for people and says what to do.',
  ...object(
    { type: text, title: text, status: integer, code: text, detail: text },
    {
      errcode: { ...errorCode, description: 'What the platform said.' },
      retry_after: { ...integer, description: 'Seconds; the same as the header Retry-After.' },
    },
  ),
};

/** The body of an error. `retry_after`, whole seconds, is always there for 429 and 5xx. */
export type Problem = FromSchema<typeof problemSchema> & { readonly code: ProblemCode };

export interface ProblemHints {
  readonly errcode?: ErrorCode | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export function problem(code: ProblemCode, detail: string, hints: ProblemHints = {}): Problem {
  const status = STATUS[code];
  const mayPass = status === 429 || status >= 500;
  const retryAfter = hints.retryAfterSeconds ?? (mayPass ? DEFAULT_RETRY_AFTER_SECONDS : undefined);
  return {
    type: 'about:blank',
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    detail,
    ...(hints.errcode === undefined ? {} : { errcode: hints.errcode }),
    ...(retryAfter === undefined ? {} : { retry_after: Math.max(1, Math.ceil(retryAfter)) }),
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
