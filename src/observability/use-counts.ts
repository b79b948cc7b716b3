import type { AuditedConfig, AuditEntry } from '../core/ports/audit-entry.js';
import type { Clock } from '../core/ports/clock.js';
import type { AppName } from '../core/token.js';
import type { AppCaller, AppUse, Counts } from '../core/console/app-use.js';
import type { Changing } from '../core/console/client-use.js';
import type { AuditLog } from './audit-log.js';

interface Use {
  readonly callers: Map<string, Changing<AppCaller>>;
  login: Counts | null;
  gateway: Counts | null;
}

const READS: ReadonlySet<string> = new Set(['token.read', 'token.virtual', 'events.open']);
const REPORTS: ReadonlySet<string> = new Set(['token.report', 'token.force']);
const LOGINS: ReadonlySet<string> = new Set(['login.exchange', 'login.callback', 'login.refresh']);

/** An audit trail that counts what passes through it, by app and client. Their names are those of the configuration. */
export class UseCounts {
  private readonly uses = new Map<AppName, Use>();

  constructor(
    private readonly audit: AuditLog,
    private readonly clock: Clock,
  ) {}

  record(entry: AuditEntry): void {
    this.audit.record(entry);
    const { app, client, action, status } = entry;
    if (app === null || client === null) return;
    if (READS.has(action)) this.readAnswered(client, app);
    else if (REPORTS.has(action)) {
      const caller = this.callerOf(client, app);
      caller.reports += 1;
      caller.lastReportAtMs = this.clock.wallMs();
    } else if (LOGINS.has(action)) {
      const use = this.useOf(app);
      use.login = this.counted(use.login, status);
    } else if (action === 'gateway.call') {
      const use = this.useOf(app);
      use.gateway = this.counted(use.gateway, status);
    }
  }

  configured(config: AuditedConfig): void {
    this.audit.configured(config);
    const apps = new Set(config.apps);
    for (const app of this.uses.keys()) if (!apps.has(app)) this.uses.delete(app);
  }

  isReadDue(client: string, reader: string, app: AppName, generation: number, via: string): boolean {
    return this.audit.isReadDue(client, reader, app, generation, via);
  }

  readAnswered(client: string, app: AppName): void {
    const caller = this.callerOf(client, app);
    caller.reads += 1;
    caller.lastReadAtMs = this.clock.wallMs();
  }

  of(app: AppName): AppUse {
    const use = this.uses.get(app);
    if (!use) return { callers: [], login: null, gateway: null };
    return { callers: [...use.callers.values()], login: use.login, gateway: use.gateway };
  }

  /** What each client did with all apps. */
  byClient(): ReadonlyMap<string, { readonly reads: number; readonly reports: number }> {
    const sums = new Map<string, { reads: number; reports: number }>();
    for (const { callers } of this.uses.values()) {
      for (const { client, reads, reports } of callers.values()) {
        const sum = sums.get(client) ?? { reads: 0, reports: 0 };
        sum.reads += reads;
        sum.reports += reports;
        sums.set(client, sum);
      }
    }
    return sums;
  }

  private counted(before: Counts | null, status: number | null): Counts {
    const isFailure = status === null || status >= 400;
    return {
      total: (before?.total ?? 0) + 1,
      failed: (before?.failed ?? 0) + (isFailure ? 1 : 0),
      lastAtMs: this.clock.wallMs(),
    };
  }

  private callerOf(client: string, app: AppName): Changing<AppCaller> {
    const { callers } = this.useOf(app);
    const known = callers.get(client);
    if (known) return known;
    const caller = { client, reads: 0, reports: 0, lastReadAtMs: null, lastReportAtMs: null };
    callers.set(client, caller);
    return caller;
  }

  private useOf(app: AppName): Use {
    const known = this.uses.get(app);
    if (known) return known;
    const use: Use = { callers: new Map(), login: null, gateway: null };
    this.uses.set(app, use);
    return use;
  }
}
