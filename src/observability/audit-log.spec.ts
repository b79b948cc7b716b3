import { ManualClock } from '../../test/support/manual-clock.js';
import { readerOf, type AuditEntry } from '../core/ports/audit-entry.js';
import { Redactor } from '../core/redaction/redactor.js';
import { fingerprint } from '../core/token.js';
import { AuditLog, type AuditedReads } from './audit-log.js';
import { createAuditLogger } from './logger.js';

function fixtureOf(reads: AuditedReads) {
  const clock = new ManualClock();
  const lines: Record<string, unknown>[] = [];
  const destination = {
    write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>),
  };
  const audit = new AuditLog(createAuditLogger(new Redactor(), destination), reads, clock);
  return { clock, lines, audit };
}

const HERE = '192.0.2.1';
const from = (remote: string) => ({ origin: { requestId: 'r-1', remote, via: remote } });

const read = (client: string, generation: number, more: Partial<AuditEntry> = {}): AuditEntry => ({
  action: 'token.read',
  client,
  app: 'shop',
  status: 200,
  reason: null,
  token: { generation, value: `token-${String(generation)}` },
  origin: { requestId: 'r-1', remote: '192.0.2.1' },
  ...more,
});

const refusal: AuditEntry = {
  action: 'access.refused',
  client: null,
  app: null,
  status: 401,
  reason: 'unknown_key',
  route: '/token',
  origin: { requestId: 'r-2', remote: '192.0.2.2' },
};

const login = (more: Partial<AuditEntry> = {}): AuditEntry => ({
  action: 'login.exchange',
  client: 'web',
  app: 'shop',
  status: 200,
  reason: null,
  openid: 'oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A',
  origin: { requestId: 'r-3', remote: '192.0.2.3' },
  ...more,
});

describe('the audit stream', () => {
  it('names users by a hash', () => {
    const { audit, lines } = fixtureOf('sampled');
    audit.record(login());
    expect(lines).toMatchObject([
      {
        event: 'login.exchange',
        client: 'web',
        app: 'shop',
        openid_sha256_8: fingerprint('oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A'),
      },
    ]);
    expect(JSON.stringify(lines)).not.toContain('oKj4x5Q2');
  });

  it('bounds the lines of logins, but never of what hands out secrets of users, and none with reads: all', () => {
    const written = (reads: AuditedReads, entry: AuditEntry) => {
      const { audit, lines } = fixtureOf(reads);
      for (let logins = 0; logins < 100; logins += 1) audit.record(entry);
      return lines.length;
    };
    expect(written('sampled', login())).toBe(60);
    expect(written('all', login())).toBe(100);
    expect(written('all', login({ client: null }))).toBe(60);
    expect(written('none', login({ action: 'login.session_key' }))).toBe(100);
    expect(written('sampled', login({ action: 'login.tokens' }))).toBe(100);
  });

  it('has a line with who, what, which app, what came of it, and from where', () => {
    const { audit, lines } = fixtureOf('sampled');
    audit.record(read('orders', 7));
    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        stream: 'audit',
        event: 'token.read',
        client: 'orders',
        app: 'shop',
        status: 200,
        reason: null,
        generation: 7,
        token_sha256_8: fingerprint('token-7'),
        request_id: 'r-1',
        remote: '192.0.2.1',
      },
    ]);
  });

  it('shows of each generation the first read by each client', () => {
    const { audit, lines } = fixtureOf('sampled');
    for (const generation of [7, 7, 8, 8]) {
      for (const client of ['orders', 'mailer']) {
        expect(audit.isReadDue(client, `${client} `, 'shop', generation, HERE)).toBe(
          !lines.some((line) => line.client === client && line.generation === generation),
        );
        audit.record(read(client, generation));
      }
    }
    expect(lines.map(({ client, generation }) => [client, generation])).toEqual([
      ['orders', 7],
      ['mailer', 7],
      ['orders', 8],
      ['mailer', 8],
    ]);
  });

  it('shows of each generation the first read by each key of a client, so that it says who still uses the old one', () => {
    const { audit, lines } = fixtureOf('sampled');
    for (const generation of [7, 7, 8, 8]) {
      for (const key of ['0a1b2c3d', '4e5f6a7b', undefined]) {
        const isDue = audit.isReadDue('orders', readerOf('orders', key), 'shop', generation, HERE);
        expect(isDue).toBe(!lines.some((line) => line.key === key && line.generation === generation));
        audit.record(read('orders', generation, { key }));
      }
    }
    const shown = lines.map(({ key, generation }) => `${String(generation)} ${String(key)}`);
    expect(shown).toEqual([
      ...['7 0a1b2c3d', '7 4e5f6a7b', '7 undefined'],
      ...['8 0a1b2c3d', '8 4e5f6a7b', '8 undefined'],
    ]);
  });

  it('keeps nothing of keys that are in the configuration no more', () => {
    const { audit } = fixtureOf('sampled');
    const isDue = (key: string) => audit.isReadDue('orders', readerOf('orders', key), 'shop', 7, HERE);
    for (const key of ['0a1b2c3d', '4e5f6a7b']) audit.record(read('orders', 7, { key }));
    const orders = { name: 'orders', apps: ['shop'], scopes: ['token:read'], keys: ['4e5f6a7b'] };
    audit.configured({ sha256: null, apps: ['shop'], clients: [orders] });
    expect([isDue('0a1b2c3d'), isDue('4e5f6a7b')]).toEqual([true, false]);
  });

  it('takes tickets and calls for something else than tokens, and one kind for something else than another', () => {
    const { audit, lines } = fixtureOf('sampled');
    for (let round = 0; round < 3; round += 1) {
      audit.record(read('orders', 7));
      audit.record(read('orders', 3, { action: 'ticket.read', reason: 'jsapi' }));
      audit.record(read('orders', 4, { action: 'ticket.read', reason: 'wx_card' }));
      audit.record(read('orders', 3, { action: 'ticket.sign', reason: 'jsapi' }));
      audit.record(read('orders', 7, { action: 'gateway.call', reason: 'GET /cgi-bin/user/info' }));
    }
    expect(lines.map(({ event, reason }) => [event, reason])).toEqual([
      ['token.read', null],
      ['ticket.read', 'jsapi'],
      ['ticket.read', 'wx_card'],
      ['ticket.sign', 'jsapi'],
      ['gateway.call', 'GET /cgi-bin/user/info'],
    ]);
  });

  it('shows all reads, or none, if it is to', () => {
    const all = fixtureOf('all');
    const none = fixtureOf('none');
    for (const { audit } of [all, none]) {
      for (let round = 0; round < 200; round += 1) audit.record(read('orders', 7));
      audit.record(refusal);
    }
    expect(all.audit.isReadDue('orders', 'orders ', 'shop', 7, HERE)).toBe(true);
    expect(none.audit.isReadDue('orders', 'orders ', 'shop', 7, HERE)).toBe(false);
    expect(all.lines).toHaveLength(201);
    expect(none.lines.map(({ event }) => event)).toEqual(['access.refused']);
  });

  it('counts what comes too often, and tells how much that was at the end of the minute', async () => {
    const { audit, lines, clock } = fixtureOf('sampled');
    for (let tries = 0; tries < 10_000; tries += 1) audit.record(refusal);
    audit.record({ ...refusal, reason: 'missing_key' });
    expect(lines).toHaveLength(61);

    await clock.advance(60_000);
    expect(lines).toHaveLength(62);
    expect(lines.at(-1)).toMatchObject({
      stream: 'audit',
      event: 'audit.suppressed',
      action: 'access.refused',
      reason: 'unknown_key',
      suppressed: 9940,
    });
    audit.record(refusal);
    await clock.advance(60_000);
    expect(lines).toHaveLength(63);
  });

  it('shows the first read from each new address, also of a token that the client has read before', () => {
    const { audit, lines } = fixtureOf('sampled');
    for (const address of [HERE, '203.0.113.9', HERE, '203.0.113.9', HERE]) {
      expect(audit.isReadDue('orders', 'orders ', 'shop', 7, address)).toBe(
        !lines.some(({ remote }) => remote === address),
      );
      audit.record(read('orders', 7, from(address)));
    }
    expect(lines.map(({ event, remote }) => [event, remote])).toEqual([
      ['token.read', HERE],
      ['token.read', '203.0.113.9'],
    ]);
  });

  it('takes what a proxy adds for known once the address that it means has its line', () => {
    const { audit, lines } = fixtureOf('sampled');
    const via = `192.0.2.9 ${HERE}`;
    audit.record(read('orders', 7, { origin: { requestId: 'r-1', remote: HERE, via } }));
    expect(audit.isReadDue('orders', 'orders ', 'shop', 7, via)).toBe(false);
    expect(audit.isReadDue('orders', 'orders ', 'shop', 7, `${via}0`)).toBe(true);
    expect(lines).toHaveLength(1);
  });

  it('shows a guess from a new address, though there are too many from another one', async () => {
    const { audit, lines, clock } = fixtureOf('sampled');
    for (let tries = 0; tries < 1000; tries += 1) audit.record(refusal);
    audit.record({ ...refusal, ...from('203.0.113.9') });
    audit.record({ ...refusal, ...from('203.0.113.9') });
    expect(lines).toHaveLength(61);
    expect(lines.at(-1)).toMatchObject({ event: 'access.refused', remote: '203.0.113.9' });
    await clock.advance(60_000);
    expect(lines.at(-1)).toMatchObject({ event: 'audit.suppressed', suppressed: 941 });
  });

  it.each([
    ['token.force', { reason: 'rotated' }],
    ['events.open', {}],
  ] as const)('shows every %s, however many there are', (action, more) => {
    const { audit, lines } = fixtureOf('sampled');
    for (let opened = 0; opened < 200; opened += 1) audit.record(read('orders', 7, { action, ...more }));
    expect(lines).toHaveLength(200);
  });

  it('writes no more than 1,060 lines a minute of guesses from a hundred thousand addresses', () => {
    const { audit, lines } = fixtureOf('sampled');
    for (let guesser = 0; guesser < 100_000; guesser += 1) {
      audit.record({ ...refusal, ...from(`2001:db8::${guesser.toString(16)}`) });
    }
    expect(lines.length).toBeLessThanOrEqual(1060);
  });

  it('loses no count at the end', () => {
    const { audit, lines } = fixtureOf('sampled');
    for (let tries = 0; tries < 100; tries += 1) audit.record(refusal);
    audit.close();
    audit.close();
    expect(lines.at(-1)).toMatchObject({ event: 'audit.suppressed', suppressed: 40 });
    expect(lines).toHaveLength(61);
  });
});
