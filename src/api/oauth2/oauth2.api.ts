import { FORM, type ApiRoute } from '../common/api-route.js';
import { alias, errorCode, integer, object, oneOf, text, type FromSchema } from '../common/schema.js';
import type { FastifyReply } from 'fastify';
import { describeProblem } from '../common/problem.filter.js';
import { BrokerError } from '../../core/errors.js';
import { UnseenAppError } from '../auth/client-access.js';
import { HttpProblem } from '../common/problem.js';

/** RFC 6749, section 5.2; the last two are those of section 4.1.2.1, for what that section has no word for. */
const oauth2ErrorCode = oneOf(
  'invalid_request',
  'invalid_client',
  'unauthorized_client',
  'unsupported_grant_type',
  'invalid_scope',
  'temporarily_unavailable',
  'server_error',
);

type OAuth2ErrorCode = FromSchema<typeof oauth2ErrorCode>;

/** A token request that is refused in the words of OAuth 2.0. */
export class OAuth2Error extends HttpProblem {
  constructor(
    readonly error: OAuth2ErrorCode,
    description: string,
  ) {
    super(error === 'invalid_client' ? 'unauthorized' : 'invalid_request', description);
  }
}

/** Clients authenticate with Basic or in the body; the challenge is the same for both. */
const CHALLENGE = { 'www-authenticate': 'Basic realm="access-token-broker", charset="UTF-8"' };

/** Answers with an error of RFC 6749, whatever was thrown. What may pass by itself also has the broker's own `code`, `errcode` and `retry_after`. */
export function sendOAuth2Error(thrown: unknown, reply: FastifyReply): void {
  const refusal = inTermsOfOAuth2(thrown);
  const { status, code, detail, errcode, retry_after } = describeProblem(refusal);
  if (status === 401) reply.headers(CHALLENGE);
  if (retry_after !== undefined) reply.header('retry-after', String(retry_after));
  const isOAuth2 = refusal instanceof OAuth2Error;
  void reply
    .code(status)
    .headers({ 'cache-control': 'no-store', pragma: 'no-cache' })
    .send({
      error: isOAuth2 ? refusal.error : errorOf(status),
      error_description: description(detail),
      ...(!isOAuth2 && { code, errcode, retry_after }),
    });
}

function inTermsOfOAuth2(thrown: unknown): unknown {
  if (thrown instanceof UnseenAppError) return new OAuth2Error('invalid_client', thrown.message);
  const hasNoToken = thrown instanceof BrokerError && thrown.code === 'no_token_for_app_type';
  return hasNoToken ? new OAuth2Error('unauthorized_client', thrown.message) : thrown;
}

function errorOf(status: number): OAuth2ErrorCode {
  if (status === 403) return 'unauthorized_client';
  if (status < 500 && status !== 429) return 'invalid_request';
  return status === 500 ? 'server_error' : 'temporarily_unavailable';
}

/** The characters that section 5.2 allows. */
function description(text: string): string {
  return text.replaceAll(/["\\]/g, "'").replaceAll(/[^\x20-\x7e]/g, '?');
}

export const SCOPE = 'token:read';
export const GRANT_TYPE = 'client_credentials';

/** A successful answer of RFC 6749, section 5.1. */
const tokenSchema = {
  title: 'OAuth2Token',
  ...object({
    access_token: text,
    token_type: { type: 'string', description: 'Bearer, unless the platform names another type.' },
    expires_in: {
      type: 'integer',
      minimum: 1,
      description: 'Whole seconds for which it may be kept without asking again.',
    },
  }),
} as const;

export type OAuth2TokenView = FromSchema<typeof tokenSchema>;

const requestSchema = {
  title: 'OAuth2TokenRequest',
  ...object(
    { grant_type: oneOf(GRANT_TYPE) },
    {
      client_id: alias,
      client_secret: { type: 'string', description: 'The API key.' },
      scope: oneOf(SCOPE),
    },
  ),
};

/** Section 5.2, and what the broker adds. */
const errorSchema = {
  title: 'OAuth2Error',
  ...object(
    { error: oauth2ErrorCode, error_description: text },
    {
      code: { type: 'string', description: "The broker's own code, as in Problem." },
      errcode: { ...errorCode, description: 'What the platform said.' },
      retry_after: { ...integer, description: 'Seconds; the same as the header Retry-After.' },
    },
  ),
};

const errors = (description: string, error: string, more: object = {}) => ({
  description,
  schema: errorSchema,
  example: { error, error_description: 'What to do about it.', ...more },
});

export const REQUEST_TOKEN: ApiRoute = {
  access: 'public',
  summary: 'The current token, for OAuth 2.0 libraries',
  description:
    'The client credentials grant (RFC 6749, section 4.4). `client_id` is the app, `client_secret` an API key with the scope `token:read`; both in the body, or as HTTP Basic. `expires_in` is the time for which the token may be kept.',
  security: [{ clientCredentials: [] }, {}],
  body: {
    type: FORM,
    schema: requestSchema,
    example: { grant_type: GRANT_TYPE, client_id: 'shop', client_secret: 'tbk_…' },
  },
  answers: {
    200: {
      description: 'A living token',
      schema: tokenSchema,
      example: { access_token: '83_dE5x0yb2…', token_type: 'Bearer', expires_in: 6543 },
    },
    400: errors(
      'invalid_request, unauthorized_client (the key lacks the scope), unsupported_grant_type, invalid_scope',
      'invalid_request',
    ),
    401: errors('invalid_client', 'invalid_client'),
    403: errors('unauthorized_client: the client has virtualTokens: true', 'unauthorized_client', {
      code: 'virtual_tokens_only',
    }),
    413: errors('invalid_request: the body is larger than 16 KiB', 'invalid_request', {
      code: 'payload_too_large',
    }),
    429: errors(
      'temporarily_unavailable: a limit of the client, or too many wrong keys',
      'temporarily_unavailable',
      {
        code: 'rate_limited',
        retry_after: 1,
      },
    ),
    500: errors('server_error', 'server_error', { code: 'internal_error', retry_after: 5 }),
    503: errors('temporarily_unavailable: there is no token now', 'temporarily_unavailable', {
      code: 'no_token_yet',
      errcode: 40164,
      retry_after: 30,
    }),
  },
};
