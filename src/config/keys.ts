import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  type ValidationArguments,
} from 'class-validator';
import { problem, ReadFault, shapeProblem } from './faults.js';
import { Secret } from './secret.js';
import type { SecretForm } from './secret-text.js';
import { asList, isTrialHost, parseUrl } from './values.js';

export type SectionClass = abstract new () => object;
type Schema = Readonly<Record<string, unknown>>;
/** The lines that it returns are what is wrong; one that begins with `[0]: ` or `.key: ` is about that entry. */
type Verdict = readonly string[] | string | undefined;

/** What is known of a key of a section beside its class-validator rules. */
export interface KeySpec {
  /** For people, in Markdown; links are relative to docs/. */
  readonly about?: string;
  /** The default in words, where the class has none of its own. */
  readonly fallback?: string;
  readonly isOptional?: boolean;
  /** JSON Schema of its value, where that is no section and no secret. */
  readonly schema?: Schema;
  /** What the chart takes instead: of a secret, which text may stand in its values in clear. */
  readonly chart?: Schema;
  /** The class of the mapping that it holds, or of each mapping of its list. */
  readonly section?: () => SectionClass;
  readonly isList?: boolean;
  readonly kinds?: () => Kinds;
  /** It holds a secret, or where one is. What is read there is redacted in every output. */
  readonly secret?: SecretForm;
  /** Its value is the path of the secret's file, and nothing else. */
  readonly isPath?: boolean;
  /** It holds a mapping of such. */
  readonly secrets?: SecretForm;
  readonly variable?: Variable;
  /** Puts a value that was found right into the form that the program reads. */
  readonly tidy?: (value: unknown) => unknown;
}

/** The classes of the mappings of a list, where a key of theirs says which. */
export interface Kinds {
  readonly key: string;
  readonly classes: ReadonlyMap<string, SectionClass>;
  /** That of a mapping without the key. */
  readonly fallback: string;
}

/** A variable of the environment that says the same as a key. */
export interface Variable {
  readonly name: string;
  /** `wins`: over the file; `fills`: what the file leaves out; `alone`: only without a file, a secret also as `…_FILE`. */
  readonly rule: 'wins' | 'fills' | 'alone';
}

const specs = new Map<unknown, Map<string, KeySpec>>();
/** What `keysOf` found: ten thousand apps are as many sections of one class. */
const keysOfClasses = new WeakMap<SectionClass, ReadonlyMap<string, KeySpec>>();

function describeKey(more: KeySpec): PropertyDecorator {
  return (target, property) => {
    const keys = specs.get(target) ?? new Map<string, KeySpec>();
    const name = String(property);
    specs.set(target, keys.set(name, { ...keys.get(name), ...more }));
  };
}

/** The keys of a section in the order of its class, after those of the class that it extends. */
export function keysOf(section: SectionClass): ReadonlyMap<string, KeySpec> {
  const known = keysOfClasses.get(section);
  if (known) return known;
  const parent: unknown = Object.getPrototypeOf(section);
  const inherited = parent === Function.prototype ? [] : keysOf(parent as SectionClass);
  const keys = new Map([...inherited, ...(specs.get(section.prototype) ?? [])]);
  keysOfClasses.set(section, keys);
  return keys;
}

/** All sections that a section leads to, itself included. */
export function sectionsOf(root: SectionClass): Set<SectionClass> {
  const found = new Set([root]);
  for (const section of found) {
    for (const { section: nested, kinds } of keysOf(section).values()) {
      if (nested) found.add(nested());
      for (const kind of kinds?.().classes.values() ?? []) found.add(kind);
    }
  }
  return found;
}

const all =
  (...decorators: PropertyDecorator[]): PropertyDecorator =>
  (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };

const must =
  (expectation: string) =>
  ({ value }: ValidationArguments): string =>
    problem(expectation, value);

/** What the key means, and its default where the class has none. docs/configure.md and the JSON Schemas are made of it. */
export const About = (about: string, fallback?: string) =>
  describeKey(fallback === undefined ? { about } : { about, fallback });

export const FromVariable = (name: string, rule: Variable['rule']) =>
  describeKey({ variable: { name, rule } });

/** What the chart's schema says of the key instead of the server's. */
export const InChart = (chart: Schema) => describeKey({ chart });

/** The key may be left out. Unlike IsOptional, a key without a value is not left out. */
export const Optional = () =>
  all(
    ValidateIf((_, value: unknown) => value !== undefined),
    describeKey({ isOptional: true }),
  );

export const Flag = () =>
  all(IsBoolean({ message: must('true or false') }), describeKey({ schema: { type: 'boolean' } }));

export const OneOf = (values: readonly string[]) =>
  all(
    IsIn([...values], { message: must(`one of ${values.join(', ')}`) }),
    describeKey({ schema: { enum: [...values] } }),
  );

/** A number of a kind; `what` names it in a fault. */
function bounded(what: string, type: 'integer' | 'number', minimum: number, maximum: number) {
  const options = { message: must(`${what} from ${minimum} to ${maximum}`) };
  const isKind =
    type === 'integer' ? IsInt(options) : IsNumber({ allowInfinity: false, allowNaN: false }, options);
  const schema = { type, minimum, maximum };
  return all(isKind, Min(minimum, options), Max(maximum, options), describeKey({ schema }));
}

export const WholeNumber = (min: number, max: number) => bounded('a whole number', 'integer', min, max);

export const Fraction = (min: number, max: number) => bounded('a number', 'number', min, max);

/** Shorter times would make a busy loop. */
const MIN_SECONDS = 0.01;
const MAX_SECONDS = 86_400;

/** A number of seconds up to a day unless it says less, fractions allowed; `zero`: it may be 0. */
export const Seconds = ({ zero = false, max = MAX_SECONDS }: { zero?: boolean; max?: number } = {}) =>
  bounded('a number of seconds', 'number', zero ? 0 : MIN_SECONDS, max);

/** Text of a given form, which a JSON Schema can express. */
export const Text = (form: RegExp, expectation: string) =>
  all(
    Matches(form, { message: must(expectation) }),
    describeKey({ schema: { type: 'string', pattern: form.source } }),
  );

/**
 * A URL without user, password, query and fragment, as it must be by `expectation`; kept without a slash at its end. No
 * fault shows it: people put passwords of proxies and keys into URLs.
 *
 * @param hint what to do instead of putting a secret into it
 */
export function Url(
  expectation: string,
  { hint = '', protocols = /^https?:$/ }: { hint?: string; protocols?: RegExp } = {},
): PropertyDecorator {
  const check = (value: unknown) => {
    const url = parseUrl(value);
    if (url === null || !(protocols.test(url.protocol) || isTrialHost(value)))
      return `must be ${expectation}`;
    const extra = url.username + url.password + url.search + url.hash;
    return extra === '' ? undefined : `must be a URL without user, password, query and fragment${hint}`;
  };
  const tidy = (value: unknown) => (typeof value === 'string' ? value.replace(/\/+$/, '') : value);
  return all(
    Check(check, { type: 'string', pattern: '^https?://' }),
    InChart({ type: 'string', pattern: '^https?://[^@?#\\s]+$' }),
    describeKey({ tidy }),
  );
}

/** A mapping with a class of its own. */
export const Section = (section: () => SectionClass) => describeKey({ section });

/** A list of mappings that share a class, or of `kinds` that extend it; `whenLengthWrong` says why it may not be empty, or longer than `max`. */
export const SectionList = (
  section: () => SectionClass,
  whenLengthWrong: string,
  { kinds, max = Infinity }: { kinds?: () => Kinds; max?: number } = {},
) =>
  all(
    List(() => undefined, whenLengthWrong, { max }),
    describeKey({ section, isList: true, ...(kinds && { kinds }) }),
  );

interface ListOptions {
  readonly max?: number;
  readonly items?: Schema;
  /** As in `KeySpec`, of each entry. */
  readonly tidy?: (entry: unknown) => unknown;
}

/** A list that is not empty, and no longer than `max`; `check` says what is wrong with an entry. */
export function List(
  check: (entry: unknown) => string | undefined,
  whenLengthWrong: string,
  { max = Infinity, items, tidy }: ListOptions = {},
): PropertyDecorator {
  const checkList = (value: unknown) => {
    if (!Array.isArray(value)) return shapeProblem('a list', value);
    if (value.length < 1 || value.length > max) return whenLengthWrong;
    return checkEntries(value, check);
  };
  return all(
    Check(checkList, {
      type: 'array',
      minItems: 1,
      ...(max < Infinity && { maxItems: max }),
      ...(items && { items }),
    }),
    describeKey(tidy ? { tidy: (list) => asList(list).map(tidy) } : {}),
  );
}

/** A list of texts of one form, which is not empty; `expectation` says what each must be. */
export const TextList = (form: RegExp, expectation: string, whenLengthWrong: string, max = Infinity) =>
  List(
    (entry) => (typeof entry === 'string' && form.test(entry) ? undefined : problem(expectation, entry)),
    whenLengthWrong,
    { max, items: { type: 'string', pattern: form.source } },
  );

/** What is wrong with each entry, for `Check`. */
export function checkEntries(
  list: readonly unknown[],
  check: (entry: unknown) => string | undefined,
): readonly string[] {
  return list.flatMap((entry, index) => {
    const text = check(entry);
    return text === undefined ? [] : [`[${index}]: ${text}`];
  });
}

/** `schema` is what a JSON Schema can say of it. */
export function Check(
  check: (value: unknown, section: object) => Verdict,
  schema?: Schema,
): PropertyDecorator {
  const lines = (args?: ValidationArguments) => [check(args?.value, args?.object ?? {}) ?? []].flat();
  const validate = ValidateBy({
    name: 'check',
    validator: {
      validate: (_, args) => lines(args).length === 0,
      defaultMessage: (args) => lines(args).join('\n'),
    },
  });
  return schema === undefined ? validate : all(validate, describeKey({ schema }));
}

/** A secret of a given form: text, `{ file }` or `{ env }`. */
export const SecretText = (form: SecretForm) => all(Check(secretFault), describeKey({ secret: form }));

/** The path of the file of a secret, which is what stands there once it is read. */
export const SecretFile = (form: SecretForm) =>
  all(Check(secretFault, { type: 'string', minLength: 1 }), describeKey({ secret: form, isPath: true }));

/** As `KeySpec.tidy`. */
export const Tidy = (tidy: (value: unknown) => unknown) => describeKey({ tidy });

/** A mapping of secrets; `check` says what is wrong with it once they are read. */
export const SecretTexts = (form: SecretForm, check: (value: unknown) => Verdict) =>
  all(Check(check), describeKey({ secrets: form }));

/** What is wrong with what was read in the place of a secret. */
export function secretFault(value: unknown): string | undefined {
  if (value instanceof Secret) return undefined;
  return value instanceof ReadFault ? value.text : 'must be set';
}
