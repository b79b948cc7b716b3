/** What a platform names an error by: a number, or a word of up to 64 characters such as `invalid_client`. */
export type ErrorCode = number | string;

const MAX_NUMBER = 1e10;
const WORD = /^[A-Za-z][\w.:-]{0,63}$/;

/** The code, or null for what is none: it comes from a platform, a caller or the store. */
export function errorCodeOf(value: unknown): ErrorCode | null {
  if (typeof value === 'string') return WORD.test(value) ? value : null;
  const isNumber = Number.isSafeInteger(value) && Math.abs(value as number) <= MAX_NUMBER;
  return isNumber ? (value as number) : null;
}
