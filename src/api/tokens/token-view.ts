import { remainingMs, type AppName, type HeldToken } from '../../core/token.js';
import { rfc3339 } from '../common/rfc3339.js';

const LONGEST_CACHE_SECONDS = 60;

/** A token as callers get it. */
export interface TokenView {
  readonly app: AppName;
  readonly access_token: string;
  readonly expires_in: number;
  readonly expires_at: string;
  readonly generation: number;
  /** Whole seconds for which a caller may keep it without asking again. */
  readonly cache_max_age: number;
}

/** What a client is told of a token that it may not read. */
export function withoutToken(view: TokenView): Omit<TokenView, 'access_token' | 'cache_max_age'> {
  const { app, expires_in, expires_at, generation } = view;
  return { app, expires_in, expires_at, generation };
}

/** Whole seconds for which the token may still be used; 0 in its last one. */
export function secondsLeft(held: HeldToken, nowMonoMs: number): number {
  return Math.max(0, Math.floor(remainingMs(held, nowMonoMs) / 1000));
}

export function tokenView(app: AppName, held: HeldToken, nowMonoMs: number): TokenView {
  const expiresIn = secondsLeft(held, nowMonoMs);
  return {
    app,
    access_token: held.record.value,
    expires_in: expiresIn,
    expires_at: rfc3339(held.record.expiresAtMs),
    generation: held.record.generation,
    cache_max_age: Math.min(LONGEST_CACHE_SECONDS, expiresIn),
  };
}
