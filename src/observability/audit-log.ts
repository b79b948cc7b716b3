import {
  readerOf,
  type AuditAction,
  type AuditedConfig,
  type AuditEntry,
} from '../core/ports/audit-entry.js';
import type { Clock } from '../core/ports/clock.js';
import { fingerprint } from '../core/token.js';
import { LineLimit } from './line-limit.js';
import { closeSync, constants, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs';
import type { LogDestination, Logger } from './logger.js';

/** Which reads become lines. `sampled`: of each generation the first by each client and key, so that it shows who uses which token, and which key. */
export type AuditedReads = 'sampled' | 'all' | 'none';

/** Entries that agree in action, client, app and reason: somebody who hammers must not fill the disk. */
const MAX_LINES_A_MINUTE = 60;

/** What hands something out and changes nothing. */
const READS: ReadonlySet<AuditAction> = new Set([
  'token.read',
  'token.virtual',
  'ticket.read',
  'ticket.sign',
  'gateway.call',
]);
/** Each of them matters, and none can be done without a key and a scope that are worth having. */
const NEVER_SUPPRESSED: ReadonlySet<AuditAction> = new Set([
  'token.force',
  'events.open',
  'secret.reloaded',
  'login.tokens',
  'login.session_key',
]);
/** Addresses whose first entry of a kind is written although there are too many of that kind. */
const MAX_NEW_ADDRESSES_A_MINUTE = 1000;

/** The audit stream: one line for every entry that matters. */
export class AuditLog {
  private readonly limit: LineLimit;
  /** The first entry of a minute of each kind and address: a caller from another address must not drown among the others. */
  private readonly firsts: LineLimit;
  private readonly addresses = new KnownAddresses();
  /** For each reader, the generation that it read last of each app or ticket. */
  private readonly lastReads = new Map<string, Map<string, number>>();

  constructor(
    private readonly lines: Logger,
    private readonly reads: AuditedReads,
    clock: Clock,
  ) {
    this.limit = new LineLimit(clock, MAX_LINES_A_MINUTE);
    this.firsts = new LineLimit(clock, 1, MAX_NEW_ADDRESSES_A_MINUTE);
  }

  record(entry: AuditEntry): void {
    const { action, client, app, reason } = entry;
    const isDue = READS.has(action) ? this.takeRead(entry) : this.isFree(entry);
    if (!isDue) return;
    const { key, status, token, openid, errcode, note, route, origin } = entry;
    this.lines.info({
      event: action,
      client,
      key,
      app,
      status,
      reason,
      generation: token?.generation,
      token_sha256_8: token && fingerprint(token.value),
      openid_sha256_8: openid === undefined ? undefined : fingerprint(openid),
      errcode,
      note,
      route,
      request_id: origin?.requestId,
      remote: origin?.remote,
    });
  }

  configured(config: AuditedConfig): void {
    const keyless = [null, ...config.clients.map(({ name }) => name)].map((name) =>
      readerOf(name, undefined),
    );
    const keyed = config.clients.flatMap(({ name, keys }) => keys.map((key) => readerOf(name, key)));
    const readers = new Set([...keyless, ...keyed]);
    for (const reader of this.lastReads.keys()) if (!readers.has(reader)) this.lastReads.delete(reader);
    this.lines.info({ event: 'audit.config', ...config });
  }

  isReadDue(client: string, reader: string, app: string, generation: number, via: string): boolean {
    if (this.reads !== 'sampled') return this.reads === 'all';
    return this.isNewGeneration(reader, app, generation) || !this.addresses.has(client, via);
  }

  readAnswered(): void {
    // It becomes no line.
  }

  /** Writes what was counted and not told yet. */
  close(): void {
    this.limit.close();
    this.firsts.close();
  }

  private isNewGeneration(reader: string, subject: string, generation: number): boolean {
    return this.lastReads.get(reader)?.get(subject) !== generation;
  }

  private takeRead(entry: AuditEntry): boolean {
    const { action, client, key, app, reason, token, origin } = entry;
    if (this.reads !== 'sampled') return this.reads === 'all';
    if (app === null || token === undefined) return true;
    const who = client ?? 'nobody known';
    // As `isReadDue` has it, for the usual read.
    const subject = action === 'token.read' && reason === null ? app : [app, action, reason].join(' ');
    const isFromElsewhere = origin !== null && !this.addresses.has(who, origin.remote);
    for (const address of [origin?.remote, origin?.via]) {
      if (address !== undefined && !this.addresses.has(who, address)) this.addresses.add(who, address);
    }
    const reader = readerOf(client, key);
    if (this.isNewGeneration(reader, subject, token.generation)) {
      const ofReader = this.lastReads.get(reader) ?? new Map<string, number>();
      this.lastReads.set(reader, ofReader.set(subject, token.generation));
      return true;
    }
    return isFromElsewhere && this.isFree(entry);
  }

  private isFree({ action, client, app, reason, origin }: AuditEntry): boolean {
    if (NEVER_SUPPRESSED.has(action)) return true;
    if (this.reads === 'all' && client !== null && action.startsWith('login.')) return true;
    const kind = [action, client, app, reason].join(' ');
    const tell = (suppressed: number): void => {
      this.lines.info(
        { event: 'audit.suppressed', action, client, app, reason, suppressed },
        `${suppressed} more of these were not written within a minute`,
      );
    };
    const isFirst = origin !== null && this.firsts.isFree(`${kind} ${origin.remote}`, () => undefined);
    return this.limit.isFree(kind, tell, isFirst);
  }
}

/** Addresses that are kept of one client. The oldest one is forgotten first, and counts as new when it comes again. */
const MAX_ADDRESSES = 2000;

/** From where each client has been seen. */
export class KnownAddresses {
  private readonly byClient = new Map<string, Set<string>>();

  has(client: string, address: string): boolean {
    return this.byClient.get(client)?.has(address) ?? false;
  }

  add(client: string, address: string): void {
    const known = this.byClient.get(client) ?? new Set<string>();
    this.byClient.set(client, known.add(address));
    if (known.size <= MAX_ADDRESSES) return;
    for (const first of known) {
      known.delete(first);
      return;
    }
  }
}

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
