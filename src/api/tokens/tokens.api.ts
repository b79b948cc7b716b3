import { appParameter, type ApiRoute, type Fault } from '../common/api-route.js';
import { RefreshRequest } from './refresh-request.dto.js';
import { refreshSchema, tokenSchema } from './token.view.js';

const TOKEN = {
  app: 'shop',
  access_token: '83_dE5x0yb2…',
  expires_in: 6543,
  expires_at: '2026-11-21T10:00:00.000Z',
  generation: 1795250000123,
  cache_max_age: 60,
};

/** Why an app may have no token, or no ticket. */
export const NO_TOKEN: readonly Fault[] = ['no_token_yet', 'token_expired', 'held_elsewhere'];

export const READ_TOKEN = {
  access: 'token:read',
  summary: 'The current token',
  query: {
    app: appParameter,
    min_generation: {
      type: 'integer',
      format: 'int64',
      minimum: 0,
      maximum: Number.MAX_SAFE_INTEGER,
      description: 'A generation that the caller has seen: an older token is never returned.',
    },
  },
  answers: { 200: { description: 'A living token', schema: tokenSchema, example: TOKEN } },
  faults: [
    ...NO_TOKEN,
    ['behind', 'This replica has not seen that generation yet.', { retryAfterSeconds: 1 }],
  ],
} satisfies ApiRoute;

export const OPEN_EVENTS = {
  access: 'token:read',
  summary: 'The token, pushed on every rotation',
  description:
    'Server-sent events: the current token at once, then one event for each new generation, and a comment every 15 s. `event` is `token`, `id` the generation, `data` the body of GET /token, with the name of the app. When the stream ends, open it again. One stream may be for many apps: those that come to be visible to the caller join a stream of all, and a reader that is slow gets the newest token of each alone.',
  query: {
    app: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      maxItems: 200,
      description:
        'Once for each app, or `*` for all that the caller sees. May be left out by a caller that sees one app, or one named `default`.',
    },
  },
  headers: {
    'Last-Event-ID': {
      type: 'string',
      description:
        'The generation that the caller has: nothing is sent until there is a newer one. Of no effect with many apps.',
    },
  },
  answers: {
    200: {
      description: 'A stream without an end',
      type: 'text/event-stream',
      schema: { type: 'string' },
      example: `event: token\nid: ${TOKEN.generation}\ndata: ${JSON.stringify(TOKEN)}\n\n`,
    },
  },
} satisfies ApiRoute;

export const REFRESH: ApiRoute = {
  access: 'token:refresh',
  summary: 'Report that the platform refused a token',
  description:
    'Name the refused token by generation or by value: a token that is no longer current costs no call. Then retry once with the token in the answer, which has it for keys with the scope `token:read`.',
  body: {
    shape: RefreshRequest,
    mayBeLeftOut: true,
    example: { app: 'shop', generation: 1795250000123, errcode: 40001 },
  },
  answers: {
    200: {
      description: 'The token to use from now on',
      schema: refreshSchema,
      example: { ...TOKEN, refreshed: true, reason: 'rotated' },
    },
  },
  faults: [
    [
      'not_a_token_error',
      '48001: the app lacks this permission; a new token cannot cure it.',
      { errcode: 48001 },
    ],
    ['refresh_budget_exhausted', 'The forced refreshes of today are used up.', { retryAfterSeconds: 3600 }],
    ['upstream_unavailable', 'The platform gave no answer.', { retryAfterSeconds: 2 }],
    [
      'upstream_rejected',
      'The platform refused: 40125. Check the AppSecret.',
      { errcode: 40125, retryAfterSeconds: 300 },
    ],
    'held_elsewhere',
  ],
};
