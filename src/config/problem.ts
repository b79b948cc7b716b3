import { isMapping } from './mapping.js';

const LONGEST_SHOWN = 40;

/** Says what a value must be and what it is. Only for values that are no secret. */
export function problem(expectation: string, value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? `must be ${expectation}, got ${shown(value)}`
    : shapeProblem(expectation, value);
}

/** Says what a value must be and what kind of thing it is, never the value: text in place of a section may hold secrets. */
export function shapeProblem(expectation: string, value: unknown): string {
  return value === undefined ? `must be set: ${expectation}` : `must be ${expectation}, got ${kindOf(value)}`;
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (isMapping(value)) return 'a mapping';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function shown(value: string | number | boolean): string {
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
