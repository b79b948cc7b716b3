import { openSync, writeSync } from 'node:fs';
import type { LogDestination, Logger } from './logger.js';

/** Only the broker's own user may read who fetched what. */
const MODE = 0o600;

/** The file of the audit stream. Appends, so that it may be truncated while it is written. */
export class AuditFile implements LogDestination {
  private readonly fd: number;
  private isFailing = false;

  /** @throws Error when the file cannot be opened: nobody wants to find out later that nothing was recorded */
  constructor(
    path: string,
    private readonly logger: Logger,
    /** Takes the lines that the file does not. */
    private readonly fallback: LogDestination = process.stdout,
  ) {
    try {
      this.fd = openSync(path, 'a', MODE);
    } catch (error) {
      throw new Error(`audit.destination: the file cannot be opened (${codeOf(error)})`, { cause: error });
    }
  }

  write(line: string): void {
    try {
      writeSync(this.fd, line);
      if (this.isFailing) this.logger.info({ event: 'audit.writable' }, 'the audit file takes lines again');
      this.isFailing = false;
    } catch (error) {
      this.fallback.write(line);
      if (this.isFailing) return;
      this.isFailing = true;
      this.logger.error(
        { event: 'audit.unwritable', code: codeOf(error) },
        'the audit file takes no line: until it does, the audit stream goes to standard output',
      );
    }
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}
