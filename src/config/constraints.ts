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
import { Secret } from './secret.js';

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
export const Optional = () => ValidateIf((_, value: unknown) => value !== undefined);

export const Flag = () => IsBoolean({ message: must('true or false') });

export const OneOf = (values: readonly string[]) =>
  IsIn([...values], { message: must(`one of ${values.join(', ')}`) });

export function WholeNumber(min: number, max = Number.MAX_SAFE_INTEGER): PropertyDecorator {
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
  const message = must(`a whole number ${range}`);
  return all(IsInt({ message }), Min(min, { message }), Max(max, { message }));
}

/** A finite number, fractions allowed, above 0, or from 0. */
export function Seconds({ zero }: { zero: boolean } = { zero: false }): PropertyDecorator {
  const message = must(`a number of seconds, ${zero ? '0 or more' : 'more than 0'}`);
  return all(
    IsNumber({ allowInfinity: false, allowNaN: false }, { message }),
    Min(zero ? 0 : Number.MIN_VALUE, { message }),
  );
}

/** Text of a given form. Shown when wrong, so not for secrets. */
export const Text = (form: RegExp, expectation: string) => Matches(form, { message: must(expectation) });

/** A mapping with a class of its own. */
export function Section(type: () => new () => object): PropertyDecorator {
  return all(Type(type), IsObject({ message: mustBeMapping }), ValidateNested({ message: mustBeMapping }));
}

/** A list of mappings that share a class; `whenEmpty` says why it may not be empty. */
export function SectionList(type: () => new () => object, whenEmpty: string): PropertyDecorator {
  return all(
    Type(type),
    List((entry) => (Array.isArray(entry) ? shapeProblem(MAPPING, entry) : undefined), whenEmpty),
    ValidateNested({ message: mustBeMapping }),
  );
}

/** A list that is not empty, and no longer than `max`; `check` says what is wrong with an entry. */
export function List(
  check: (entry: unknown) => string | undefined,
  whenLengthWrong: string,
  max = Number.MAX_SAFE_INTEGER,
): PropertyDecorator {
  return Check((value) => {
    if (!Array.isArray(value)) return shapeProblem('a list', value);
    if (value.length < 1 || value.length > max) return whenLengthWrong;
    return value.flatMap((entry: unknown, index) => {
      const text = check(entry);
      return text === undefined ? [] : [`[${index}]: ${text}`];
    });
  });
}

/** The lines that `check` returns are what is wrong; one that begins with `[0]: ` or `.key: ` is about that entry. */
export function Check(
  check: (value: unknown, section: object) => readonly string[] | string | undefined,
): PropertyDecorator {
  const lines = (value: unknown, section: object | undefined) => [check(value, section ?? {}) ?? []].flat();
  return ValidateBy({
    name: 'check',
    validator: {
      validate: (value: unknown, args) => lines(value, args?.object).length === 0,
      defaultMessage: (args) => lines(args?.value, args?.object).join('\n'),
    },
  });
}

/** A resolved secret; `check` says what is wrong with its text, without showing it. */
export function SecretText(check: (text: string) => string | undefined = () => undefined): PropertyDecorator {
  return Check((value) => {
    if (value instanceof Secret) return check(value.value());
    return value instanceof ReadFault ? value.text : 'must be set';
  });
}
