import { isIP } from 'node:net';
import { ControlInputError } from './control-input-error.js';
import { isObject } from './json.js';

/** Says what a value must be when it is not that. */
export type FieldCheck = (value: unknown) => string | undefined;

export const isText: FieldCheck = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a string that is not empty';

export const isBoolean: FieldCheck = (value) =>
  typeof value === 'boolean' ? undefined : 'must be true or false';

export function isInteger(lowest: number, highest: number): FieldCheck {
  return (value) =>
    Number.isInteger(value) && Number(value) >= lowest && Number(value) <= highest
      ? undefined
      : `must be a whole number from ${String(lowest)} to ${String(highest)}`;
}

export function isNumber(lowest: number, highest: number): FieldCheck {
  return (value) =>
    typeof value === 'number' && value >= lowest && value <= highest
      ? undefined
      : `must be a number from ${String(lowest)} to ${String(highest)}`;
}

export function isOneOf(...allowed: readonly (string | number | true)[]): FieldCheck {
  return (value) =>
    allowed.some((one) => one === value) ? undefined : `must be ${allowed.map(String).join(' or ')}`;
}

/** Of the platforms that have numbers. */
export const isErrcode: FieldCheck = isInteger(-1_000_000, 1_000_000_000);

export const isHeaders: FieldCheck = (value) =>
  isObject(value) && Object.values(value).every((text) => typeof text === 'string')
    ? undefined
    : 'must be an object of strings';

export const isIpList: FieldCheck = (value) =>
  value === null || (Array.isArray(value) && value.every((ip) => typeof ip === 'string' && isIP(ip) > 0))
    ? undefined
    : 'must be a list of IP addresses, or null';

/** Throws a ControlInputError for the first that is unknown or wrong. */
export function checkFields(
  value: unknown,
  checks: Readonly<Record<string, FieldCheck>>,
  required: readonly string[] = [],
): asserts value is Readonly<Record<string, unknown>> {
  if (!isObject(value)) throw new ControlInputError('body: must be a JSON object');
  for (const name of required) {
    if (!(name in value)) throw new ControlInputError(`${name}: is missing`);
  }
  for (const [name, field] of Object.entries(value)) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    const complaint = check ? check(field) : `unknown field; known are ${Object.keys(checks).join(', ')}`;
    if (complaint) throw new ControlInputError(`${name}: ${complaint}`);
  }
}
