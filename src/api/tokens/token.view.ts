import type { AppName, HeldToken } from '../../core/token.js';
import { alias, cacheMaxAge, object, oneOf, text, time, type FromSchema } from '../common/schema.js';

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

/** Whole seconds for which the token may still be used; 0 in its last one. */
function secondsLeft({ deadlineMonoMs }: HeldToken, nowMonoMs: number): number {
  return Math.max(0, Math.floor((deadlineMonoMs - nowMonoMs) / 1000));
}

export function tokenView(app: AppName, held: HeldToken, nowMonoMs: number): TokenView {
  const expiresIn = secondsLeft(held, nowMonoMs);
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

/** The last moment that RFC 3339 can write: its years have four digits. */
const MAX_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** RFC 3339 in UTC, from milliseconds since the Unix epoch. Never throws: a time beyond the years 1970 to 9999 is shown as the nearest of them. */
export function rfc3339(epochMs: number): string {
  const inRange = Number.isNaN(epochMs) ? 0 : Math.min(Math.max(epochMs, 0), MAX_EPOCH_MS);
  return new Date(inRange).toISOString();
}

export function rfc3339OrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : rfc3339(epochMs);
}

/** A whole 200 of GET /token, ready to be written. */
export interface TokenAnswer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Kept extends TokenAnswer {
  readonly held: HeldToken;
  readonly secondsLeft: number;
}

/** Builds each app's answer once per token and second, however many callers ask. */
export class TokenAnswers {
  private readonly kept = new Map<AppName, Kept>();

  answer(app: AppName, held: HeldToken, nowMonoMs: number): TokenAnswer {
    const seconds = secondsLeft(held, nowMonoMs);
    const last = this.kept.get(app);
    if (last?.held === held && last.secondsLeft === seconds) return last;
    const body = JSON.stringify(tokenView(app, held, nowMonoMs));
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(body)),
    };
    const fresh = { held, secondsLeft: seconds, body, headers };
    this.kept.set(app, fresh);
    return fresh;
  }
}
