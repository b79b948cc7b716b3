import { isIP } from 'node:net';

/** Says what a value must be when it is not that. */
export type FieldCheck = (value: unknown) => string | undefined;

export const isText: FieldCheck = (value) =>
  typeof value === 'string' && value !== '' ? undefined : 'must be a string that is not empty';

export const isTextOrNull: FieldCheck = (value) => (value === null ? undefined : isText(value));

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

/** Somebody asked the simulator for what it cannot do. The message starts with the name of the field at fault. */
export class ControlInputError extends Error {
  override readonly name = 'ControlInputError';
}

/** Undefined for what is not JSON. */
export function parsed(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return undefined;
  }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

type NumberOption<Options> = {
  [Name in keyof Options]-?: Options[Name] extends number | undefined ? Name : never;
}[keyof Options];

/** The option, or `fallback` where it is left out. Throws a ControlInputError for one that is below `lowest` or no number. */
export function numberOption<Options>(
  options: Options,
  name: NumberOption<Options> & string,
  fallback: number,
  lowest = 0,
): number {
  const value = (options[name] as number | undefined) ?? fallback;
  if (!(value >= lowest)) {
    throw new ControlInputError(`${name}: must be a number, at least ${String(lowest)}`);
  }
  return value;
}
