import { Type } from 'class-transformer';
import {
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateBy,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
import { problem, shapeProblem } from './problem.js';
import { ReadFault } from './read-fault.js';
import { describeKey, type KeySpec, type SectionClass } from './schema.js';
import { Secret } from './secret.js';
import type { SecretForm } from './secret-text.js';

const must =
  (expectation: string) =>
  ({ value }: ValidationArguments): string =>
    problem(expectation, value);

const MAPPING = 'a mapping (key: value)';
const mustBeMapping = ({ value }: ValidationArguments): string => shapeProblem(MAPPING, value);

const all =
  (...decorators: PropertyDecorator[]): PropertyDecorator =>
  (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };

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

export function WholeNumber(min: number, max: number): PropertyDecorator {
  const message = must(`a whole number from ${min} to ${max}`);
  return all(
    IsInt({ message }),
    Min(min, { message }),
    Max(max, { message }),
    describeKey({ schema: { type: 'integer', minimum: min, maximum: max } }),
  );
}

/** Shorter times would make a busy loop. */
const MIN_SECONDS = 0.01;
const MAX_SECONDS = 86_400;

/** A number of seconds up to a day unless it says less, fractions allowed; `zero`: it may be 0. */
export function Seconds({ zero = false, max = MAX_SECONDS }: { zero?: boolean; max?: number } = {}) {
  const min = zero ? 0 : MIN_SECONDS;
  const message = must(`a number of seconds from ${min} to ${max}`);
  return all(
    IsNumber({ allowInfinity: false, allowNaN: false }, { message }),
    Min(min, { message }),
    Max(max, { message }),
    describeKey({ schema: { type: 'number', minimum: min, maximum: max } }),
  );
}

/** Text of a given form, which a JSON Schema can express. */
export const Text = (form: RegExp, expectation: string) =>
  all(
    Matches(form, { message: must(expectation) }),
    describeKey({ schema: { type: 'string', pattern: form.source } }),
  );

/** A mapping with a class of its own. */
export function Section(type: () => SectionClass): PropertyDecorator {
  return all(
    Type(type),
    IsObject({ message: mustBeMapping }),
    ValidateNested({ message: mustBeMapping }),
    describeKey({ section: type }),
  );
}

/** A list of mappings that share a class; `whenEmpty` says why it may not be empty. */
export function SectionList(type: () => SectionClass, whenEmpty: string): PropertyDecorator {
  return all(
    Type(type),
    List((entry) => (Array.isArray(entry) ? shapeProblem(MAPPING, entry) : undefined), whenEmpty),
    ValidateNested({ message: mustBeMapping }),
    describeKey({ section: type, isList: true }),
  );
}

/** A list that is not empty, and no longer than `max`; `check` says what is wrong with an entry. */
export function List(
  check: (entry: unknown) => string | undefined,
  whenLengthWrong: string,
  { max = Number.MAX_SAFE_INTEGER, items }: { max?: number; items?: KeySpec['schema'] } = {},
): PropertyDecorator {
  const checkList = (value: unknown) => {
    if (!Array.isArray(value)) return shapeProblem('a list', value);
    if (value.length < 1 || value.length > max) return whenLengthWrong;
    return value.flatMap((entry: unknown, index) => {
      const text = check(entry);
      return text === undefined ? [] : [`[${index}]: ${text}`];
    });
  };
  const schema = { type: 'array', minItems: 1, maxItems: max, items };
  return items === undefined ? Check(checkList) : Check(checkList, schema);
}

/** The lines that `check` returns are what is wrong; one that begins with `[0]: ` or `.key: ` is about that entry. `schema` is what a JSON Schema can say of it. */
export function Check(
  check: (value: unknown, section: object) => readonly string[] | string | undefined,
  schema?: KeySpec['schema'],
): PropertyDecorator {
  const lines = (value: unknown, section: object | undefined) => [check(value, section ?? {}) ?? []].flat();
  const validate = ValidateBy({
    name: 'check',
    validator: {
      validate: (value: unknown, args) => lines(value, args?.object).length === 0,
      defaultMessage: (args) => lines(args?.value, args?.object).join('\n'),
    },
  });
  return schema === undefined ? validate : all(validate, describeKey({ schema }));
}

/** A secret of a given form, which is checked where it is read; see `resolveSecrets`. */
export function SecretText(form: SecretForm): PropertyDecorator {
  return all(Check(secretFault), describeKey({ secret: form }));
}

/** A mapping of secrets; `check` judges it once they are read. */
export function SecretTexts(
  form: SecretForm,
  check: (value: unknown) => readonly string[] | string | undefined,
): PropertyDecorator {
  return all(Check(check), describeKey({ secrets: form }));
}

/** What is wrong with what `resolveSecrets` put in the place of a secret. */
export function secretFault(value: unknown): string | undefined {
  if (value instanceof Secret) return undefined;
  return value instanceof ReadFault ? value.text : 'must be set';
}
