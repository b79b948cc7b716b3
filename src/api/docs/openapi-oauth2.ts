import type { OpenAPIObject } from '@nestjs/swagger';
import { openApiCommon } from './openapi-common.js';
import { errorCode } from '../common/schema.js';
import { oauth2TokenSchema } from '../oauth2/oauth2.controller.js';

const { ref, json } = openApiCommon;

const errors = (description: string, error: string, more: object = {}) => ({
  description,
  content: json(ref('OAuth2Error'), { error, error_description: 'What to do about it.', ...more }),
});

/** POST /oauth2/token. */
export const openApiOAuth2Paths: OpenAPIObject['paths'] = {
  '/oauth2/token': {
    post: {
      summary: 'The current token, for OAuth 2.0 libraries',
      description:
        'The client credentials grant (RFC 6749, section 4.4). `client_id` is the app, `client_secret` an API key with the scope `token:read`; both in the body, or as HTTP Basic. `expires_in` is the time for which the token may be kept.',
      security: [{ clientCredentials: [] }, {}],
      requestBody: {
        required: true,
        content: {
          'application/x-www-form-urlencoded': {
            schema: ref('OAuth2TokenRequest'),
            example: { grant_type: 'client_credentials', client_id: 'shop', client_secret: 'tbk_…' },
          },
        },
      },
      responses: {
        200: {
          description: 'A living token',
          content: json(ref('OAuth2Token'), {
            access_token: '83_dE5x0yb2…',
            token_type: 'Bearer',
            expires_in: 6543,
          }),
        },
        400: errors(
          'invalid_request, unauthorized_client (the key lacks the scope), unsupported_grant_type, invalid_scope',
          'invalid_request',
        ),
        401: errors('invalid_client', 'invalid_client'),
        413: errors('invalid_request: the body is larger than 16 KiB', 'invalid_request', {
          code: 'payload_too_large',
        }),
        500: errors('server_error', 'server_error', { code: 'internal_error', retry_after: 5 }),
        503: errors('temporarily_unavailable: there is no token now', 'temporarily_unavailable', {
          code: 'no_token_yet',
          errcode: 40164,
          retry_after: 30,
        }),
      },
    },
  },
};

/** Its bodies. */
export const openApiOAuth2Schemas = {
  OAuth2TokenRequest: {
    type: 'object',
    required: ['grant_type'],
    properties: {
      grant_type: { type: 'string', enum: ['client_credentials'] },
      client_id: { type: 'string', description: 'Alias of the app.' },
      client_secret: { type: 'string', description: 'The API key.' },
      scope: { type: 'string', enum: ['token:read'] },
    },
  },
  OAuth2Token: oauth2TokenSchema,
  OAuth2Error: {
    type: 'object',
    required: ['error', 'error_description'],
    properties: {
      error: {
        type: 'string',
        enum: [
          'invalid_request',
          'invalid_client',
          'unauthorized_client',
          'unsupported_grant_type',
          'invalid_scope',
          'temporarily_unavailable',
          'server_error',
        ],
      },
      error_description: { type: 'string' },
      code: { type: 'string', description: "The broker's own code, as in Problem." },
      errcode: { ...errorCode, description: 'What the platform said.' },
      retry_after: { type: 'integer', description: 'Seconds; the same as the header Retry-After.' },
    },
  },
};
