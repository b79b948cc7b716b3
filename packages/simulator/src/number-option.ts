import { ControlInputError } from './control-input-error.js';

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
