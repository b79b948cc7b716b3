import { pino, type Logger, type LoggerOptions } from 'pino';
import { requestContext } from '../core/request-context.js';
import type { Redactor } from '../core/redaction/redactor.js';
import { describeError } from './describe-error.js';
import { readableLine } from './readable-line.js';

export type { Logger } from 'pino';

/** Where lines go: standard output, or a test. */
export interface LogDestination {
  write(line: string): unknown;
  readonly isTTY?: boolean | undefined;
}

/** JSON lines, or readable ones on a terminal, with the id of the request that caused them. Every line passes the redactor after it was serialized. */
export function createLogger(
  level: LoggerOptions['level'],
  redactor: Redactor,
  destination: LogDestination = process.stdout,
): Logger {
  return pino(
    { level: level ?? 'info', base: null, mixin: requestOfLine, ...FORM },
    redacted((line) => redactor.redact(line, requestContext.getStore()?.secrets?.()), destination),
  );
}

/**
 * The lines of the audit stream: marked as such, and written at every log level. They hold no text of a caller; what a caller sends as a
 * code must not be able to blank them.
 */
export function createAuditLogger(redactor: Redactor, destination: LogDestination = process.stdout): Logger {
  return pino(
    { base: { stream: 'audit' }, ...FORM },
    redacted((line) => redactor.redact(line), destination),
  );
}

const FORM = {
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label) => ({ level: label }) },
  serializers: { err: describeError },
} satisfies LoggerOptions;

function redacted(
  redact: (line: string) => string,
  destination: LogDestination,
): { write(line: string): void } {
  const render = destination.isTTY ? readableLine : (line: string): string => line;
  return { write: (line) => void destination.write(render(redact(line))) };
}

function requestOfLine(): object {
  return { request_id: requestContext.getStore()?.requestId };
}
