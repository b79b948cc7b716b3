import { FORM, type ApiRoute } from '../common/api-route.js';
import { alias, errorCode, integer, object, oneOf, text, type FromSchema } from '../common/schema.js';
import { oauth2ErrorCode } from './oauth2-error.js';

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
