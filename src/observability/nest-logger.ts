import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';
import { describeError } from './describe-error.js';

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
