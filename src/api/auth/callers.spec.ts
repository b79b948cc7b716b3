import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { FakeIdentityObserver } from '../../../test/support/fake-identity-observer.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { Callers } from './callers.js';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

describe('Callers', () => {
  const callers = new Callers(
    {
      clients: [
        { name: 'orders', keySha256: [sha256('old'), sha256('new').toUpperCase()], apps: '*', scopes: [] },
        { name: 'mailer', keySha256: [sha256('third')], apps: ['blog'], scopes: ['token:read'] },
      ],
      issuers: [],
    },
    ['shop', 'blog'],
    new ManualClock(),
    new FakeIdentityObserver(),
  );
  const of = (authorization?: string) => callers.of({ headers: { authorization } } as IncomingMessage);
  const nameOf = (header: string) => {
    const answer = of(header);
    return answer.kind === 'ok' ? answer.client.name : answer.kind;
  };

  it.each([
    ['Bearer old', 'orders'],
    ['Bearer new', 'orders'],
    ['Bearer third', 'mailer'],
    ['bearer third', 'mailer'],
    ['BEARER   third ', 'mailer'],
    ['Bearer Third', 'unknown'],
    [`Bearer ${sha256('third')}`, 'unknown'],
    ['Bearer', 'missing'],
    ['Bearer ', 'missing'],
    ['Basic third', 'missing'],
    ['third', 'missing'],
    ['', 'missing'],
  ])('takes %j for %s', (header, who) => {
    expect(nameOf(header)).toBe(who);
  });

  it('knows no key any more once it has ended', async () => {
    const clock = new ManualClock();
    const endsMs = clock.wallMs() + 1000;
    const keys = [
      { sha256: sha256('ends'), expiresAt: new Date(endsMs).toISOString() },
      { sha256: sha256('stays') },
    ];
    const ending = new Callers(
      { clients: [{ name: 'orders', keys, apps: '*', scopes: [] }], issuers: [] },
      ['shop'],
      clock,
      new FakeIdentityObserver(),
    );
    const kinds = () => ['ends', 'stays'].map((key) => ending.ofKey(key).kind);
    expect(kinds()).toEqual(['ok', 'ok']);
    await clock.advance(999);
    expect(kinds()).toEqual(['ok', 'ok']);
    await clock.advance(1);
    expect(kinds()).toEqual(['expired', 'ok']);
    expect(ending.identitiesOf('orders').map(({ expiresAtMs }) => expiresAtMs)).toEqual([endsMs, null]);
  });

  it('knows a header that was good before only as long as its key is good', async () => {
    const clock = new ManualClock();
    const ends = { sha256: sha256('ends'), expiresAt: new Date(clock.wallMs() + 1000).toISOString() };
    const client = {
      name: 'orders',
      keys: [ends, { sha256: sha256('stays') }],
      apps: '*',
      scopes: [],
    } as const;
    const known = new Callers(
      { clients: [client], issuers: [] },
      ['shop'],
      clock,
      new FakeIdentityObserver(),
    );
    const kinds = () =>
      ['ends', 'stays'].map(
        (key) => known.of({ headers: { authorization: `Bearer ${key}` } } as IncomingMessage).kind,
      );
    expect([kinds(), kinds()]).toEqual([
      ['ok', 'ok'],
      ['ok', 'ok'],
    ]);
    await clock.advance(1000);
    expect([kinds(), kinds()]).toEqual([
      ['expired', 'ok'],
      ['expired', 'ok'],
    ]);
    known.replace({ clients: [{ ...client, keys: [ends] }], issuers: [] }, ['shop']);
    expect(kinds()).toEqual(['expired', 'unknown']);
  });

  it('knows more callers than it remembers the headers of', () => {
    const keys = Array.from({ length: 1100 }, (_, at) => `key-${at}`);
    const client = { name: 'orders', keySha256: keys.map(sha256), apps: '*', scopes: [] } as const;
    const many = new Callers(
      { clients: [client], issuers: [] },
      ['shop'],
      new ManualClock(),
      new FakeIdentityObserver(),
    );
    const isKnown = (key: string) =>
      many.of({ headers: { authorization: `Bearer ${key}` } } as IncomingMessage).kind === 'ok';
    expect([...keys, ...keys].filter((key) => !isKnown(key))).toEqual([]);
  });

  it('keep what is known of the use of a key as long as it is the same key of the same client', () => {
    const orders = { name: 'orders', keySha256: [sha256('old')], apps: '*', scopes: [] } as const;
    const settings = { clients: [orders], issuers: [] };
    const known = new Callers(settings, ['shop'], new ManualClock(), new FakeIdentityObserver());
    const answer = known.ofKey('old');
    if (answer.kind === 'ok') answer.identity.used(5);
    const uses = () => known.keys.map(({ id, uses, lastUsedAtMs }) => [id, uses, lastUsedAtMs]);
    expect(uses()).toEqual([[sha256('old').slice(0, 8), 1, 5]]);
    const rotated = { ...orders, keySha256: [sha256('new'), sha256('old')] };
    known.replace({ ...settings, clients: [rotated] }, ['shop']);
    expect(uses()).toEqual([
      [sha256('new').slice(0, 8), 0, null],
      [sha256('old').slice(0, 8), 1, 5],
    ]);
    known.replace({ ...settings, clients: [{ ...rotated, name: 'mailer' }] }, ['shop']);
    expect(uses().map(([, count]) => count)).toEqual([0, 0]);
  });

  it('misses a header that is not there', () => {
    expect(of()).toEqual({ kind: 'missing' });
  });
});
