import { ManualClock } from '../../test/support/manual-clock.js';
import type { AuditAction, AuditEntry } from '../core/ports/audit-entry.js';
import { Redactor } from '../core/redaction/redactor.js';
import { sumOfUse } from '../core/console/app-use.js';
import { AuditLog } from './audit-log.js';
import { createAuditLogger } from './logger.js';
import { UseCounts } from './use-counts.js';

const entry = (action: AuditAction, more: Partial<AuditEntry> = {}): AuditEntry => ({
  action,
  client: 'orders',
  app: 'shop',
  status: 200,
  reason: null,
  origin: null,
  ...more,
});

describe('the counts of use', () => {
  let lines: string[];
  let clock: ManualClock;
  let use: UseCounts;

  beforeEach(() => {
    lines = [];
    clock = new ManualClock();
    const logger = createAuditLogger(new Redactor(), { write: (line: string) => void lines.push(line) });
    use = new UseCounts(new AuditLog(logger, 'none', clock), clock);
  });

  it('have reads, with and without a line, and reports, by client', () => {
    use.record(entry('token.read'));
    expect(use.isReadDue('orders', 'orders ', 'shop', 7, '')).toBe(false);
    use.readAnswered('orders', 'shop');
    use.record(entry('token.report'));
    use.record(entry('token.virtual', { client: 'mailer' }));
    const now = clock.wallMs();
    expect(use.of('shop').callers).toEqual([
      { client: 'orders', reads: 2, reports: 1, lastReadAtMs: now, lastReportAtMs: now },
      { client: 'mailer', reads: 1, reports: 0, lastReadAtMs: now, lastReportAtMs: null },
    ]);
    expect(lines).toHaveLength(1);
  });

  it('have reads and reports of all apps together, by client', () => {
    use.record(entry('token.read'));
    use.record(entry('token.read', { app: 'blog' }));
    use.record(entry('token.force', { app: 'blog' }));
    use.record(entry('token.read', { client: 'mailer' }));
    expect(use.byClient()).toEqual(
      new Map([
        ['orders', { reads: 2, reports: 1 }],
        ['mailer', { reads: 1, reports: 0 }],
      ]),
    );
  });

  it('have logins and gateway calls with those that failed', () => {
    use.record(entry('login.exchange'));
    use.record(entry('login.exchange', { status: 422 }));
    use.record(entry('gateway.call'));
    expect(use.of('shop')).toMatchObject({
      login: { total: 2, failed: 1 },
      gateway: { total: 1, failed: 0 },
    });
    expect(use.of('blog')).toEqual({ callers: [], login: null, gateway: null });
  });

  it('forget apps that are not configured any more', () => {
    use.record(entry('token.read'));
    use.configured({ sha256: null, apps: ['blog'], clients: [] });
    expect(use.of('shop').callers).toEqual([]);
  });

  it('are added up over replicas, and take nothing else for one', () => {
    use.record(entry('token.read'));
    use.record(entry('gateway.call'));
    const other = {
      callers: [
        { client: 'orders', reads: 4, reports: 1, lastReadAtMs: 9e12, lastReportAtMs: 5 },
        { client: 7 },
      ],
      login: { total: 3, failed: 1, lastAtMs: 5 },
      gateway: { total: 'many' },
    };
    expect(sumOfUse(use.of('shop'), [other, null, 'text', { callers: 'none' }])).toEqual({
      callers: [{ client: 'orders', reads: 5, reports: 1, lastReadAtMs: 9e12, lastReportAtMs: 5 }],
      login: { total: 3, failed: 1, lastAtMs: 5 },
      gateway: { total: 1, failed: 0, lastAtMs: clock.wallMs() },
    });
  });
});
