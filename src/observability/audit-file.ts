import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { LogDestination, Logger } from './logger.js';

/** Only the broker's own user may read who fetched what. */
const MODE = 0o600;
const OTHERS = 0o077;
/** No symbolic link: others who may write into the folder could have the broker append to any file of its user. Does not wait for the reader of a pipe. */
const FLAGS =
  constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;

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
      this.fd = openSync(path, FLAGS, MODE);
    } catch (error) {
      throw faultOf(path, 'cannot be opened', error, OPEN_REMEDIES[codeOf(error)] ?? OPEN_REMEDY);
    }
    try {
      const file = fstatSync(this.fd);
      // The mode above is that of a file that was made; one that was there may be open to others. Devices are left as they are.
      if (file.isFile() && (file.mode & OTHERS) !== 0) fchmodSync(this.fd, MODE);
    } catch (error) {
      closeSync(this.fd);
      throw faultOf(path, 'is open to others and cannot be closed to them', error, MODE_REMEDY);
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

const OPEN_REMEDY = "let the broker's user write there, or name another file";
const OPEN_REMEDIES: Readonly<Record<string, string>> = {
  ELOOP: 'it is a symbolic link; name the file itself, or stdout or stderr for those',
  ENOENT: "make its folder, and let the broker's user write there",
  EISDIR: 'it is a folder; name a file in it',
  ENXIO: 'it is a pipe that nobody reads; start the reader first, or name a file',
};
const MODE_REMEDY = "chmod it to 0600, or let it belong to the broker's user";

function faultOf(path: string, what: string, cause: unknown, remedy: string): Error {
  return new Error(`audit.destination: ${path} ${what} (${codeOf(cause)}): ${remedy}`, { cause });
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : 'unknown';
}
