import type { Logger } from 'pino';
import type { AuditAction, AuditEntry } from '../core/audit-entry.js';
import type { Clock } from '../core/clock.js';
import { tokenMark } from '../core/token-mark.js';
import { LineLimit } from './line-limit.js';

/** Which reads become lines. `sampled`: of each generation the first by each client, so that it shows who uses which token. */
export type AuditedReads = 'sampled' | 'all' | 'none';

/** Of entries that agree in action, client, app and reason. Somebody who hammers must not fill the disk. */
const MOST_LINES_A_MINUTE = 60;

/** What hands something out and changes nothing. */
const READS: ReadonlySet<AuditAction> = new Set(['token.read', 'ticket.read', 'ticket.sign']);

/** The audit stream: one line for every entry that matters. */
export class AuditLog {
  private readonly limit: LineLimit;
  /** Of each client the generation that it last read, by what it is of. */
  private readonly lastReads = new Map<string, Map<string, number>>();

  constructor(
    private readonly lines: Logger,
    private readonly reads: AuditedReads,
    clock: Clock,
  ) {
    this.limit = new LineLimit(clock, MOST_LINES_A_MINUTE);
  }

  record(entry: AuditEntry): void {
    const { action, client, app, reason } = entry;
    const isDue = READS.has(action) ? this.takeRead(entry) : this.isFree(entry);
    if (!isDue) return;
    const { status, token, errcode, route, origin } = entry;
    this.lines.info({
      event: action,
      client,
      app,
      status,
      reason,
      generation: token?.generation,
      token_sha256_8: token && tokenMark(token.value),
      errcode,
      route,
      request_id: origin?.requestId,
      remote: origin?.remote,
    });
  }

  isReadDue(client: string, app: string, generation: number): boolean {
    if (this.reads !== 'sampled') return this.reads === 'all';
    return this.lastReads.get(client)?.get(app) !== generation;
  }

  /** Writes what was counted and not told yet. */
  close(): void {
    this.limit.close();
  }

  private takeRead({ action, client, app, reason, token }: AuditEntry): boolean {
    if (this.reads !== 'sampled') return this.reads === 'all';
    if (app === null || token === undefined) return true;
    const who = client ?? 'nobody known';
    // As `isReadDue` has it, for the usual read.
    const subject = action === 'token.read' && reason === null ? app : [app, action, reason].join(' ');
    if (!this.isReadDue(who, subject, token.generation)) return false;
    const ofClient = this.lastReads.get(who) ?? new Map<string, number>();
    this.lastReads.set(who, ofClient.set(subject, token.generation));
    return true;
  }

  private isFree({ action, client, app, reason }: AuditEntry): boolean {
    return this.limit.isFree([action, client, app, reason].join(' '), (suppressed) => {
      this.lines.info(
        { event: 'audit.suppressed', action, client, app, reason, suppressed },
        `${suppressed} more of these were not written within a minute`,
      );
    });
  }
}
