import { validateSync } from 'class-validator';
import { isWordLike, problem, ReadFault, shapeProblem, type Fault } from './faults.js';
import { keysOf, sectionsOf, type KeySpec, type Kinds, type SectionClass } from './keys.js';
import type { SecretForm } from './secret-text.js';
import { isMapping, nearest } from './values.js';

/** `path` is that of the key, as in a fault. What it returns stands in the place of the secret. */
export type ReadSecret = (source: unknown, form: SecretForm, path: string) => unknown;

type Mapping = Record<string, unknown>;

/**
 * Makes an instance of `type` and of the sections below it, with their defaults, and runs their rules. Unknown keys are
 * faults. Where there are faults, the types of the section do not hold.
 */
export function readSection<T extends object>(
  type: abstract new () => T,
  tree: Mapping,
  readSecret: ReadSecret,
  path = '',
): { readonly section: T; readonly faults: readonly Fault[] } {
  const section = Reflect.construct(type, []) as Mapping;
  const keys = keysOf(type);
  const nested: Fault[][] = [];
  for (const [key, spec] of keys) {
    const faults: Fault[] = [];
    nested.push(faults);
    const at = child(path, key);
    const value = tree[key];
    if (spec.secret && (value !== undefined || !spec.isOptional)) {
      section[key] = spec.isPath
        ? readSecretFile(value, spec.secret, at, readSecret)
        : readSecret(value, spec.secret, at);
    } else if (value !== undefined) {
      section[key] = readValue(value, spec, at, readSecret, faults);
    }
  }
  const own = ownFaults(section, path);
  for (const [key, { tidy }] of keys) {
    if (tidy && !own.has(key) && section[key] !== undefined) section[key] = tidy(section[key]);
  }
  const unknown = Object.keys(tree).filter((key) => !keys.has(key) && tree[key] !== undefined);
  return {
    section: section as T,
    faults: [
      ...unknown.map((key) => unknownKey(key, [...keys.keys()], path)),
      ...[...keys.keys()].flatMap((key, index) => [...(own.get(key) ?? []), ...(nested[index] ?? [])]),
    ],
  };
}

function readSecretFile(path: unknown, form: SecretForm, at: string, readSecret: ReadSecret): unknown {
  if (typeof path !== 'string' || path === '') return new ReadFault('must be the path of a file');
  return readSecret({ file: path }, form, at);
}

/** Adds what is wrong with the sections in `value` to `faults`. */
function readValue(
  value: unknown,
  { secrets, section: type, isList, kinds }: KeySpec,
  path: string,
  readSecret: ReadSecret,
  faults: Fault[],
): unknown {
  if (secrets && isMapping(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([name, source]) => [name, readSecret(source, secrets, `${path}.${name}`)]),
    );
  }
  if (!type) return value;
  const readNested = (entry: unknown, at: string): unknown => {
    if (!isMapping(entry)) {
      faults.push({ path: at, text: shapeProblem('a mapping (key: value)', entry) });
      return entry;
    }
    const kind = kinds ? kindOf(entry, kinds(), at) : type();
    // What an unknown kind of section has beside the keys of all kinds cannot be checked.
    const read =
      'text' in kind
        ? readSection(type(), pick(entry, keysOf(type()).keys()), readSecret, at)
        : readSection(kind, entry, readSecret, at);
    faults.push(...('text' in kind ? [kind] : []), ...read.faults);
    return read.section;
  };
  if (!isList) return readNested(value, path);
  return Array.isArray(value) ? value.map((entry, index) => readNested(entry, `${path}[${index}]`)) : value;
}

function kindOf(entry: Mapping, { key, classes, fallback }: Kinds, path: string): SectionClass | Fault {
  const chosen = entry[key] === undefined ? fallback : entry[key];
  const type = typeof chosen === 'string' ? classes.get(chosen) : undefined;
  return (
    type ?? { path: child(path, key), text: problem(`one of ${[...classes.keys()].join(', ')}`, chosen) }
  );
}

function pick(tree: Mapping, keys: Iterable<string>): Mapping {
  return Object.fromEntries([...keys].flatMap((key) => (key in tree ? [[key, tree[key]]] : [])));
}

/** What the rules of the section itself say, by the key. */
function ownFaults(section: object, path: string): Map<string, Fault[]> {
  // A wrong value may be a secret: it stays out of the errors.
  const options = { stopAtFirstError: true, validationError: { target: false, value: false } };
  return new Map(
    validateSync(section, options).map(({ property, constraints = {} }) => [
      property,
      Object.values(constraints)
        .flatMap((message) => message.split('\n'))
        .map((line) => faultOf(child(path, property), line)),
    ]),
  );
}

function child(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`;
}

/** A line that begins with `[` or `.` is about an entry of the list or mapping at `path`; see `Check`. */
function faultOf(path: string, line: string): Fault {
  const [, entry = '', text = ''] =
    /^(?:(\[\d+\]|\.(?:[\w-]+|\(a \w+ not shown\))): )?(.*)$/s.exec(line) ?? [];
  return { path: path + entry, text };
}

/** Names the key only where it can be no secret: `{appSecret:abc}`, with the space forgotten, is a key too. */
function unknownKey(key: string, known: readonly string[], parent: string): Fault {
  if (key === '<<') {
    return {
      path: child(parent, key),
      text: 'is not a known key; a mapping can be repeated whole (key: *name), not merged',
    };
  }
  const meant = nearest(key, known);
  if (meant !== undefined) {
    return { path: child(parent, key), text: `is not a known key; did you mean ${meant}?` };
  }
  const shown = isWordLike(key) ? key : '(a key not shown, it may hold a secret)';
  const text =
    known.length === 0
      ? 'is not a known key; there are none here'
      : `is not a known key; known are ${known.join(', ')}`;
  return { path: child(parent, shown), text };
}

/**
 * All texts that stand under the name of a secret key, wherever in the tree and whatever their form: what a fault must
 * not show.
 */
export function secretTexts(tree: unknown, root: SectionClass): string[] {
  const keys = new Set(
    [...sectionsOf(root)].flatMap((section) =>
      [...keysOf(section)].flatMap(([key, { secret, secrets, isPath }]) =>
        (secret ?? secrets) && !isPath ? [key] : [],
      ),
    ),
  );
  const texts: string[] = [];
  const walk = (node: unknown, isSecret: boolean): void => {
    if (Array.isArray(node)) for (const entry of node as unknown[]) walk(entry, isSecret);
    else if (isMapping(node)) {
      for (const [key, value] of Object.entries(node))
        walk(value, (isSecret && key !== 'file' && key !== 'env') || keys.has(key));
    } else if (isSecret && (typeof node === 'string' || typeof node === 'number')) texts.push(String(node));
  };
  walk(tree, false);
  return texts;
}
