import { appParameter, type ApiRoute, type Fault, about } from '../common/api-route.js';
import type { AppName, HeldToken } from '../../core/token.js';
import {
  alias,
  cacheMaxAge,
  object,
  oneOf,
  rfc3339,
  text,
  time,
  type FromSchema,
  errorCode,
} from '../common/schema.js';
import { IsBoolean, IsInt, IsOptional, IsString, Length, Max, Min, ValidateBy } from 'class-validator';
import { errorCodeOf, type ErrorCode } from '../../core/error-code.js';

const MAX_CACHE_SECONDS = 60;

const fields = {
  app: alias,
  access_token: text,
  expires_in: { type: 'integer', description: 'Whole seconds left, from when the platform was asked.' },
  expires_at: time,
  generation: { type: 'integer', format: 'int64', description: 'Opaque; only ever grows for an app.' },
  cache_max_age: cacheMaxAge,
} as const;
const tokenType = {
  type: 'string',
  description: 'How to present it, where the platform named a type other than Bearer.',
} as const;

/** A token as callers get it. */
export const tokenSchema = { title: 'Token', ...object(fields, { token_type: tokenType }) } as const;

export type TokenView = FromSchema<typeof tokenSchema>;

const { access_token, cache_max_age, ...told } = fields;

/** What a report is answered with: of the token, only what is told of it if the client may not read it. */
export const refreshSchema = {
  title: 'Refresh',
  description: 'Without the scope `token:read` there is neither `access_token` nor `cache_max_age`.',
  ...object(
    {
      ...told,
      refreshed: { type: 'boolean' },
      reason: oneOf('rotated', 'already_rotated', 'recently_rotated', 'still_valid'),
    },
    {
      access_token,
      cache_max_age,
      token_type: tokenType,
      detail: { type: 'string', description: 'For people: of a client whose reports are often wrong.' },
    },
  ),
} as const;

export type RefreshView = FromSchema<typeof refreshSchema>;

/** What a client is told of a token that it may not read. */
export function withoutToken(
  view: TokenView,
): Omit<TokenView, 'access_token' | 'token_type' | 'cache_max_age'> {
  const { app, expires_in, expires_at, generation } = view;
  return { app, expires_in, expires_at, generation };
}

/** `expires_in`: whole seconds for which the token may still be used; 0 in its last one. */
export function tokenView(app: AppName, held: HeldToken, nowMonoMs: number): TokenView {
  const expiresIn = Math.max(0, Math.floor((held.deadlineMonoMs - nowMonoMs) / 1000));
  return {
    app,
    access_token: held.record.value,
    token_type: held.record.tokenType,
    expires_in: expiresIn,
    expires_at: rfc3339(held.record.expiresAtMs),
    generation: held.record.generation,
    cache_max_age: Math.min(MAX_CACHE_SECONDS, expiresIn),
  };
}

/** The longest token that the broker takes from a platform. */
const MAX_TOKEN_CHARACTERS = 5000;

/** Body of POST /token/refresh. Everything may be left out, and null is the same as left out. Of two faults of a field the lower decorator's is told. */
export class RefreshRequest {
  @IsOptional()
  @IsString()
  app?: string | null;

  @IsOptional()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  @IsInt(about('Names the refused token.'))
  generation?: number | null;

  @IsOptional()
  @Length(1, MAX_TOKEN_CHARACTERS)
  @IsString(about('Names it too, by value.'))
  access_token?: string | null;

  @IsOptional()
  @IsErrorCode('What the platform answered to the caller.')
  errcode?: ErrorCode | null;

  @IsOptional()
  @IsBoolean(about('The token leaked. Needs `token:admin`.'))
  force?: boolean | null;
}

function IsErrorCode(description: string): PropertyDecorator {
  const validator = {
    validate: (value: unknown) => errorCodeOf(value) !== null,
    defaultMessage: () =>
      'errcode must be an integer number of at most ten digits, or a word such as invalid_token',
  };
  return ValidateBy({ name: 'isErrorCode', validator }, { context: { ...errorCode, description } });
}

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
