import { pino, type Logger, type LoggerOptions } from 'pino';
import { requestContext } from '../core/ports/events.js';
import type { Redactor } from '../core/redaction/redactor.js';
import { inspect } from 'node:util';
import { isObject, parseJsonObject } from '../core/json-object.js';
import type { LoggerService } from '@nestjs/common';

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

/**
 * Lets the process outlive a line that cannot be written, to a full disk or a pipe that nobody reads any more: by default that ends
 * it, and no line says so. The line is lost; standard error is told once.
 */
export function outliveLostLines(out: NodeJS.WriteStream = process.stdout, err = process.stderr): void {
  err.on('error', () => undefined);
  out.once('error', ({ code }: NodeJS.ErrnoException) => {
    err.write(
      `access-token-broker: standard output takes no lines (${code ?? 'unknown error'}); until it does, the log is lost and the broker serves on.\n`,
    );
  });
  out.on('error', () => undefined);
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

const MAX_MESSAGE_CHARACTERS = 2000;
const MAX_STACK_CHARACTERS = 8000;
const MAX_CAUSES = 5;

/** An error as a log line shows it. */
export interface DescribedError {
  readonly type?: string | undefined;
  readonly message: string;
  readonly code?: string | number | undefined;
  readonly stack?: string | undefined;
  readonly cause?: DescribedError | undefined;
}

/**
 * Name, message, code, stack and causes of whatever was thrown, each of bounded length. Nothing else that hangs on an
 * error is read: libraries attach requests with their headers. Never throws.
 */
function describeError(thrown: unknown): DescribedError {
  try {
    return describe(thrown, MAX_CAUSES);
  } catch {
    return { message: 'something that cannot be described was thrown' };
  }
}

function describe(thrown: unknown, causes: number): DescribedError {
  if (!isErrorLike(thrown)) return { message: cut(textOf(thrown), MAX_MESSAGE_CHARACTERS) };
  const { name, message, code, stack, cause } = thrown;
  return {
    type: typeof name === 'string' ? cut(name, MAX_MESSAGE_CHARACTERS) : undefined,
    message: cut(typeof message === 'string' ? message : textOf(message), MAX_MESSAGE_CHARACTERS),
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    stack: typeof stack === 'string' ? cut(stack, MAX_STACK_CHARACTERS) : undefined,
    cause: cause === undefined || causes === 0 ? undefined : describe(cause, causes - 1),
  };
}

type ErrorLike = Readonly<Partial<Record<'name' | 'message' | 'code' | 'stack' | 'cause', unknown>>>;

/** An `Error`, also one of another realm, or an object with a message. */
function isErrorLike(thrown: unknown): thrown is ErrorLike {
  return thrown instanceof Error || (typeof thrown === 'object' && thrown !== null && 'message' in thrown);
}

/** Shallow, because what is thrown may hold anything. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Infinity });
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}…` : text;
}

/** Turns one JSON log line into one for a person at a terminal. What is not JSON stays as it is. */
export function readableLine(line: string): string {
  const fields = parseJsonObject(line);
  if (!fields) return line;
  const { time, level, event, msg, err, ...rest } = fields;
  const clock = typeof time === 'string' ? time.slice(11, 19) : '';
  const details = Object.entries(rest)
    .filter(([, value]) => value !== null && value !== undefined)
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = [clock, String(level).toUpperCase().padEnd(5), msg ?? event].filter(Boolean).join(' ');
  const stack = isObject(err) && typeof err.stack === 'string' ? `\n${err.stack}` : '';
  return `${[head, ...details].join('  ')}${stack}\n`;
}

/** Who tells Nest's logger that a request failed in a way that nobody foresaw. */
const FAILED_REQUESTS: readonly unknown[] = ['ProblemFilter', 'DropInRoute', 'TokenRoute'];
/** The first line of frames in the stack of an error. */
const STACK = /^\s+at .+:\d+/m;

type Level = 'trace' | 'debug' | 'warn' | 'error' | 'fatal';

/**
 * Brings what Nest, its libraries and our own `Logger`s of Nest log into our own lines. Nest passes the context last, and an
 * error as the message, as a stack, or somewhere between; a line keeps message and stack of all that there is.
 */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  /** Nest's own start-up chatter; what matters of a start is logged by name. */
  log(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  private write(level: Level, message: unknown, rest: readonly unknown[]): void {
    if (!this.logger.isLevelEnabled(level)) return;
    const last = rest.at(-1);
    const context = typeof last === 'string' && !STACK.test(last) ? last : undefined;
    const details = (context === undefined ? rest : rest.slice(0, -1)).filter((one) => one !== undefined);
    const [err, ...more] = (typeof message === 'string' ? details : [message, ...details]).map(errorOf);
    this.logger[level](
      {
        event: FAILED_REQUESTS.includes(context) ? 'request.failed' : 'nest',
        ...(context !== undefined && { context }),
        ...(err !== undefined && { err }),
        ...(more.length > 0 && { details: more.map(describeError) }),
      },
      typeof message === 'string' ? message : describeError(message).message,
    );
  }
}

/** A string may be the stack of an error, which begins with its message. */
function errorOf(detail: unknown): unknown {
  if (typeof detail !== 'string' || !STACK.test(detail)) return detail;
  return { message: detail.slice(0, detail.search(STACK)).trim(), stack: detail };
}
