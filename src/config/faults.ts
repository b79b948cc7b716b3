import { isMapping, type Placed } from './values.js';

/** What is wrong at one place. `path` is a key's path (`apps[1].appSecret`) or the name of an environment variable. */
export interface Fault {
  readonly path: string;
  readonly text: string;
}

/** A text, and where in the configuration it stands. */
export interface Place {
  readonly path: string;
  readonly text: string;
}

/** One fault, or none. */
export function faultIf(isWrong: boolean, path: string, text: string): Fault[] {
  return isWrong ? [{ path, text }] : [];
}

/** A fault for each text that an earlier place has too. */
export function duplicates(places: readonly Place[]): Fault[] {
  const first = new Map<string, string>();
  return places.flatMap(({ path, text }) => {
    const earlier = first.get(text);
    if (earlier !== undefined) return [{ path, text: `is the same as ${earlier}; it must be its own` }];
    first.set(text, path);
    return [];
  });
}

/** The texts under a key of these mappings. */
export function textsOf(placed: readonly Placed[], key: string): Place[] {
  return placed.flatMap(({ path, entry: { [key]: text } }) =>
    typeof text === 'string' ? [{ path: `${path}.${key}`, text }] : [],
  );
}

/** The configuration cannot be used. The message has a line for each fault and holds no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly Fault[]) {
    const lines = new Set(faults.map(({ path, text }) => `  ${path}: ${text}`));
    const count = lines.size === 1 ? 'a fault' : `${lines.size} faults`;
    super([`the configuration has ${count}:`, ...lines].join('\n'));
  }
}

/** Stands where a text should be, and says why it could not be had. Holds nothing of a file's content. */
export class ReadFault {
  constructor(readonly text: string) {}
}

/** A longer text may be a secret in the wrong place. */
const MAX_SHOWN = 5;
const MAX_WORDS_LENGTH = 60;
/** Words of letters, with a small number behind, joined by `.`, `-`, `_` or camel case. */
const WORDS = /^[A-Za-z][a-z]{0,11}\d{0,2}(?:[._-]?[A-Z][a-z]{1,11}\d{0,2}|[._-][a-z]{1,12}\d{0,2})*$/;
const UPPER_CASE_WORDS = /^[A-Z]{1,12}\d{0,2}(?:_[A-Z]{1,12}\d{0,2})*$/;
const PATH = /^(?:\/[\w.,@+-]{1,64})*\/?$/;

/** Says what a value must be, and what it is if that is a number, a flag or a text of up to five characters. */
export function problem(expectation: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    return shapeProblem(expectation, value);
  }
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
  const isShort = String(value).length <= MAX_SHOWN;
  return `must be ${expectation}, got ${isShort ? text : lengthOf(value)}`;
}

/** Says what a value must be and what kind of thing it is, never the value: text in place of a section may hold secrets. */
export function shapeProblem(expectation: string, value: unknown): string {
  return value === undefined ? `must be set: ${expectation}` : `must be ${expectation}, got ${kindOf(value)}`;
}

/** Whether a name reads like words, as no generated secret does: only such names are shown. */
export function isWordLike(name: string): boolean {
  return name.length <= MAX_WORDS_LENGTH && (WORDS.test(name) || UPPER_CASE_WORDS.test(name));
}

/** A path for people, or what stands for it where the text may be the secret itself instead of its path. */
export function shownPath(path: string): string {
  return PATH.test(path) ? path : 'the file (its path is not shown: it may be the secret itself)';
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (isMapping(value)) return 'a mapping';
  return typeof value === 'string' ? 'text' : `a ${typeof value}`;
}

function lengthOf(value: string | number | boolean): string {
  return typeof value === 'string' ? `text of ${value.length} characters` : 'a longer number';
}
