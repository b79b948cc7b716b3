import type { LoggerService } from '@nestjs/common';
import type { Logger } from 'pino';

/** Who tells Nest's logger that a request failed in a way that nobody foresaw. */
const FAILED_REQUESTS: readonly unknown[] = ['ProblemFilter', 'DropInRoute'];

/** Brings what Nest and its libraries log into our own lines. */
export class NestLogger implements LoggerService {
  constructor(private readonly logger: Logger) {}

  log(message: unknown, ...rest: unknown[]): void {
    // Nest's own start-up chatter; what matters of a start is logged by name.
    this.logger.debug(this.fields(rest), String(message));
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.logger.debug(this.fields(rest), String(message));
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.logger.trace(this.fields(rest), String(message));
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.logger.warn(this.fields(rest), String(message));
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.logger.error(
      this.fields(rest, message),
      message instanceof Error ? message.message : String(message),
    );
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.logger.fatal(this.fields(rest, message), String(message));
  }

  /** Nest passes the context last, and for errors a stack before it. */
  private fields(rest: unknown[], message?: unknown): object {
    const context = rest.at(-1);
    const stack = rest.length > 1 && typeof rest[0] === 'string' ? rest[0] : undefined;
    const error = message instanceof Error ? message : rest.find((value) => value instanceof Error);
    return {
      event: FAILED_REQUESTS.includes(context) ? 'request.failed' : 'nest',
      ...(typeof context === 'string' && { context }),
      ...(error instanceof Error ? { err: error } : stack && { err: { stack } }),
    };
  }
}
