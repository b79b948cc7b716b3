import { validateSync, type ValidationError } from 'class-validator';
import type { Fault } from './config-error.js';
import { nearest } from './nearest.js';
import { isWordLike } from './problem.js';
import { keysOf, type SectionClass } from './schema.js';
import type { ConfigFile } from './sections/config-file.section.js';

/** Runs the sections' own rules. Keys that no section has are faults too. */
export function validateSections(file: ConfigFile): Fault[] {
  const errors = validateSync(file, {
    whitelist: true,
    forbidNonWhitelisted: true,
    stopAtFirstError: true,
    // A wrong value may be a secret: it stays out of the errors.
    validationError: { value: false },
  });
  return errors.flatMap((error) => faultsOf(error, ''));
}

function faultsOf(error: ValidationError, parent: string): Fault[] {
  const { property, target, constraints = {}, children = [] } = error;
  if ('whitelistValidation' in constraints) return [unknownKey(property, target, parent)];

  const path = child(parent, property, Array.isArray(target));
  const own = Object.values(constraints).flatMap((message) => message.split('\n'));
  return [...own.map((line) => faultOf(path, line)), ...children.flatMap((nested) => faultsOf(nested, path))];
}

function child(parent: string, property: string, inList: boolean): string {
  if (inList) return `${parent}[${property}]`;
  return parent === '' ? property : `${parent}.${property}`;
}

/** A line that begins with `[` or `.` is about an entry of the list or mapping at `path`; see `Check`. */
function faultOf(path: string, line: string): Fault {
  const [, entry = '', text = ''] =
    /^(?:(\[\d+\]|\.(?:[\w-]+|\(a header not shown\))): )?(.*)$/s.exec(line) ?? [];
  return { path: path + entry, text };
}

/** Names the key only where it can be no secret: `{appSecret:abc}`, with the space forgotten, is a key too. */
function unknownKey(key: string, section: object | undefined, parent: string): Fault {
  const known = knownKeys(section);
  const meant = nearest(key, known);
  if (meant !== undefined) {
    return { path: child(parent, key, false), text: `is not a known key; did you mean ${meant}?` };
  }
  const text = `is not a known key; known are ${known.join(', ')}`;
  if (isWordLike(key)) return { path: child(parent, key, false), text };
  return { path: child(parent, '(a key not shown, it may hold a secret)', false), text };
}

function knownKeys(section: object | undefined): string[] {
  return section === undefined ? [] : [...keysOf(section.constructor as SectionClass).keys()];
}
