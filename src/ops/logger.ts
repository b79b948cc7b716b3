import { pino, type Logger, type LoggerOptions } from 'pino';
import { readableLine } from './readable-line.js';
import type { Redactor } from '../core/redactor.js';

export type { Logger } from 'pino';

/** Where lines go: standard output, or a test. */
export interface LogDestination {
  write(line: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** JSON lines, or readable ones on a terminal. Every line passes the redactor after it was serialized. */
export function createLogger(
  level: LoggerOptions['level'],
  redactor: Redactor,
  destination: LogDestination = process.stdout,
): Logger {
  const render = destination.isTTY ? readableLine : (line: string): string => line;
  return pino(
    {
      level: level ?? 'info',
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    { write: (line: string) => destination.write(render(redactor.redact(line))) },
  );
}

/** An error's name, message, code and stack, and nothing that hangs on it: libraries attach requests with their headers. */
function describeError(error: unknown): object {
  if (!(error instanceof Error)) return { message: String(error) };
  const code = 'code' in error ? error.code : undefined;
  return { type: error.name, message: error.message, code, stack: error.stack };
}
