import { parseArgs } from 'node:util';
import type { Simulator } from './simulator.js';

/** A flag of the command line, and the option that it sets. Lists are separated by commas. */
export interface Flag {
  readonly kind: 'number' | 'text' | 'list' | 'switch';
  readonly option: string;
  /** The placeholder and what it is about, as the help has them. */
  readonly help: readonly [placeholder: string, about: string];
}

/** What the command line needs to know of a platform. Flags by their names without dashes. */
export interface PlatformCommand {
  /** As in `<title> simulator listening on …`. */
  readonly title: string;
  readonly about: string;
  readonly flags: Readonly<Record<string, Flag>>;
  /** Throws a ControlInputError that names the option at fault. */
  create(options: FlagValues): Simulator;
  /** What to print once it runs, below the line with its URL: its credentials, and calls to try. */
  greeting(url: string, options: FlagValues): string[];
}

/** By option; those that were not given are absent. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** Throws an Error of Node for an unknown flag or a missing argument. */
export function parseFlags(argv: readonly string[], flags: PlatformCommand['flags']): FlagValues {
  const options = Object.fromEntries(
    Object.entries(flags).map(([name, { kind }]) => [
      name,
      { type: kind === 'switch' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const { values } = parseArgs({ args: [...argv], options });
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => {
      const flag = flags[name];
      return flag === undefined ? [] : [[flag.option, valueOf(flag, value)]];
    }),
  );
}

/** The simulators speak of their options; whoever typed them knows them as flags. */
export function inFlags(message: string, flags: PlatformCommand['flags']): string {
  return Object.entries(flags).reduce(
    (text, [name, { option }]) => text.replace(new RegExp(`\\b${option}\\b`, 'g'), `--${name}`),
    message,
  );
}

/** The lines of the help, aligned. */
export function flagHelp(flags: PlatformCommand['flags']): string[] {
  const rows = Object.entries(flags).map(
    ([
      name,
      {
        help: [placeholder, about],
      },
    ]) => ({
      left: `--${name} ${placeholder}`.trimEnd(),
      about,
    }),
  );
  const width = Math.max(...rows.map(({ left }) => left.length));
  return rows.map(({ left, about }) => `  ${left.padEnd(width + 2)}${about}`.trimEnd());
}

/** A text, or `fallback` where it was not given. */
export function textOf(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

function valueOf({ kind }: Flag, value: unknown): unknown {
  if (kind === 'number') return numberFrom(String(value));
  if (kind === 'list')
    return String(value)
      .split(',')
      .map((one) => one.trim());
  return value;
}

/** NaN, which the simulators refuse, for what is no number. */
function numberFrom(value: string): number {
  return value.trim() === '' ? Number.NaN : Number(value);
}
