import { TokenClientError } from './token-client-error.js';

/** What the broker says about a token, of the fields that matter here. */
export interface TokenAnswer {
  readonly value: string;
  readonly generation: number;
  /** Whole milliseconds for which it may still be used, counted from when the broker said so. */
  readonly expiresInMs: number;
  /** For how long the broker need not be asked again. */
  readonly maxAgeMs: number;
}

/**
 * Reads the body of GET /token, of a report and of an event.
 *
 * @throws TokenClientError `invalid_answer`: whatever answers is no broker
 */
export function tokenAnswer(body: unknown): TokenAnswer {
  const { access_token, generation, expires_in, cache_max_age } = Object(body) as Record<string, unknown>;
  const isToken =
    typeof access_token === 'string' &&
    Number.isSafeInteger(generation) &&
    typeof expires_in === 'number' &&
    typeof cache_max_age === 'number';
  if (!isToken) throw new TokenClientError('invalid_answer', 'The answer is not that of a token broker.');
  return {
    value: access_token,
    generation: generation as number,
    expiresInMs: expires_in * 1000,
    maxAgeMs: cache_max_age * 1000,
  };
}
