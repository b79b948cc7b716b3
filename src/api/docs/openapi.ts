import type { OpenAPIObject } from '@nestjs/swagger';
import { openApiCommon } from './openapi-common.js';
import { openApiDropInPaths } from './openapi-drop-in.js';
import { openApiFaults, type Fault } from './openapi-faults.js';
import { openApiOAuth2Paths, openApiOAuth2Schemas } from './openapi-oauth2.js';
import { openApiSchemas } from './openapi-schemas.js';
import { openApiTicketSchemas } from './openapi-ticket-schemas.js';
import { openApiTicketPaths } from './openapi-tickets.js';

/*
 * Written by hand, because GET /token is no controller, and decorators would load the OpenAPI machinery at every start.
 * `openapi.spec.ts` holds it against the routes.
 */

const { ref, json, appParameter, faults } = openApiCommon;

const UNAUTHORIZED = faults.unauthorized;
const FORBIDDEN = faults.forbidden;
const APP_REQUIRED = faults.appRequired;
const UNKNOWN_APP = faults.unknownApp;
const INVALID = faults.invalid;
const INTERNAL = faults.internal;

const TOKEN = {
  app: 'shop',
  access_token: '83_dE5x0yb2…',
  expires_in: 6543,
  expires_at: '2026-11-21T10:00:00.000Z',
  generation: 1795250000123,
  cache_max_age: 60,
};

const APP = {
  app: 'shop',
  provider: 'wechat',
  grant: 'stable',
  app_id: 'wx0123456789abcdef',
  state: 'ok',
  generation: 1795250000123,
  issued_at: '2026-11-21T08:00:00.000Z',
  expires_at: '2026-11-21T10:00:00.000Z',
  next_refresh_at: '2026-11-21T09:55:30.000Z',
  last_error: null,
  fetches_today: 13,
  fetch_budget: 200,
};

const NO_TOKEN: readonly Fault[] = [
  faults.noTokenYet,
  faults.tokenExpired,
  faults.heldElsewhere,
  ['behind', 'This replica has not seen that generation yet.', { retryAfterSeconds: 1 }],
];

const paths: OpenAPIObject['paths'] = {
  '/token': {
    get: {
      summary: 'The current token',
      description: 'Scope `token:read`.',
      parameters: [
        appParameter,
        {
          name: 'min_generation',
          in: 'query',
          schema: { type: 'integer', format: 'int64', minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
          description: 'A generation that the caller has seen: an older token is never returned.',
        },
      ],
      responses: {
        200: { description: 'A living token', content: json(ref('Token'), TOKEN) },
        ...openApiFaults(INVALID, APP_REQUIRED, UNAUTHORIZED, FORBIDDEN, UNKNOWN_APP, INTERNAL, ...NO_TOKEN),
      },
    },
  },
  '/token/events': {
    get: {
      summary: 'The token, pushed on every rotation',
      description:
        'Scope `token:read`. Server-sent events: the current token at once, then one event for each new generation, and a comment every 15 s. `event` is `token`, `id` the generation, `data` the body of GET /token. When the stream ends, open it again.',
      parameters: [
        appParameter,
        {
          name: 'Last-Event-ID',
          in: 'header',
          schema: { type: 'string' },
          description: 'The generation that the caller has: nothing is sent until there is a newer one.',
        },
      ],
      responses: {
        200: {
          description: 'A stream without an end',
          content: {
            'text/event-stream': {
              schema: { type: 'string' },
              example: `event: token\nid: ${TOKEN.generation}\ndata: ${JSON.stringify(TOKEN)}\n\n`,
            },
          },
        },
        ...openApiFaults(INVALID, APP_REQUIRED, UNAUTHORIZED, FORBIDDEN, UNKNOWN_APP, INTERNAL),
      },
    },
  },
  '/token/refresh': {
    post: {
      summary: 'Report that the platform refused a token',
      description:
        'Scope `token:refresh`. Name the refused token by generation or by value: a token that is no longer current costs no call. Then retry once with the token in the answer, which has it for keys with the scope `token:read`.',
      requestBody: {
        required: false,
        content: json(ref('RefreshRequest'), { app: 'shop', generation: 1795250000123, errcode: 40001 }),
      },
      responses: {
        200: {
          description: 'The token to use from now on',
          content: json(ref('Refresh'), { ...TOKEN, refreshed: true, reason: 'rotated' }),
        },
        ...openApiFaults(
          INVALID,
          APP_REQUIRED,
          UNAUTHORIZED,
          FORBIDDEN,
          UNKNOWN_APP,
          faults.payloadTooLarge,
          faults.unsupportedMediaType,
          [
            'not_a_token_error',
            '48001: the app lacks this permission; a new token cannot cure it.',
            { errcode: 48001 },
          ],
          [
            'refresh_budget_exhausted',
            'The forced refreshes of today are used up.',
            { retryAfterSeconds: 3600 },
          ],
          INTERNAL,
          ['upstream_unavailable', 'The platform gave no answer.', { retryAfterSeconds: 2 }],
          [
            'upstream_rejected',
            'The platform refused: 40125. Check the AppSecret.',
            { errcode: 40125, retryAfterSeconds: 300 },
          ],
          faults.heldElsewhere,
        ),
      },
    },
  },
  ...openApiOAuth2Paths,
  ...openApiTicketPaths,
  '/apps': {
    get: {
      summary: 'The apps that this key may see, and how they fare',
      description: 'Any key. Never a token.',
      responses: {
        200: { description: 'Apps', content: json({ type: 'array', items: ref('App') }, [APP]) },
        ...openApiFaults(UNAUTHORIZED, INTERNAL),
      },
    },
  },
  '/metrics': {
    get: {
      summary: 'Metrics for Prometheus',
      security: [],
      responses: {
        200: { description: 'Text format 0.0.4', content: { 'text/plain': { schema: { type: 'string' } } } },
      },
    },
  },
  '/health/live': {
    get: {
      summary: 'Whether the process runs',
      security: [],
      responses: {
        200: {
          description: 'It does',
          content: json({ type: 'object', properties: { status: { type: 'string' } } }, { status: 'ok' }),
        },
      },
    },
  },
  '/health/ready': {
    get: {
      summary: 'Whether this replica wants requests',
      security: [],
      responses: {
        200: {
          description: 'It does',
          content: json(ref('Ready'), { status: 'ready', apps: [{ app: 'shop', state: 'ok' }] }),
        },
        ...openApiFaults(
          [
            'starting',
            'Some app has neither a token nor a definite answer from the platform yet.',
            { retryAfterSeconds: 1 },
          ],
          ['stopping', 'This replica is shutting down: ask another.', { retryAfterSeconds: 1 }],
        ),
      },
    },
  },
  ...openApiDropInPaths,
};

/** What GET /docs shows. */
export const openApiDocument: OpenAPIObject = {
  openapi: '3.0.3',
  info: {
    title: 'access-token-broker',
    version: '1',
    description: 'One living access token per app, for all services.',
  },
  security: [{ apiKey: [] }],
  paths,
  components: {
    securitySchemes: {
      apiKey: { type: 'http', scheme: 'bearer' },
      clientCredentials: { type: 'http', scheme: 'basic' },
    },
    schemas: { ...openApiSchemas, ...openApiTicketSchemas, ...openApiOAuth2Schemas },
  },
};
