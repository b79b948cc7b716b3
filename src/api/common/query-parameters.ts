import { HttpProblem } from './http-problem.js';

/** A parsed query string; a parameter given twice is an array. */
export type Query = Readonly<Record<string, string | string[] | undefined>>;

/** @throws HttpProblem `invalid_request` when it was given more than once */
export function singleParameter(query: Query, name: string): string | undefined {
  const value = query[name];
  if (Array.isArray(value)) throw new HttpProblem('invalid_request', `Give "${name}" only once.`);
  return value;
}

/** @throws HttpProblem `invalid_request` unless it is a whole number from 0 to 2^53 - 1 */
export function generationParameter(query: Query, name: string): number | undefined {
  const text = singleParameter(query, name);
  if (text === undefined) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new HttpProblem(
    'invalid_request',
    `"${name}" must be a generation as GET /token gave it: a whole number.`,
  );
}
