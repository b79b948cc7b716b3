import { answerOf, ClientSums, lastUsesOf, readClientUses, type ClientUse } from './client-use.js';

const use = (client: string, lastUsedAtMs: number | null, more: Partial<ClientUse> = {}): ClientUse => ({
  client,
  reads: 0,
  reports: 0,
  refused: 0,
  identities: [{ kind: 'key', id: '0a1b2c3d', uses: lastUsedAtMs === null ? 0 : 5, lastUsedAtMs }],
  ...more,
});

describe('the use of clients over all replicas', () => {
  const NOW_MS = 1_795_250_000_000;

  it('is the sum of counts, and the newest of uses with its replica', () => {
    const sums = new ClientSums(new Map(), NOW_MS);
    sums.add('a', [use('orders', 1000, { reads: 3, refused: 1 })]);
    sums.add('b', [use('orders', 2000, { reads: 4, reports: 2 }), use('mailer', null)]);
    expect(sums.of('orders')).toMatchObject({ reads: 7, reports: 2, refused: 1 });
    const last = { atMs: 2000, replica: 'b' };
    expect(sums.of('orders key 0a1b2c3d')).toMatchObject({ uses: 10, last });
    expect(sums.of('mailer key 0a1b2c3d')).toMatchObject({ uses: 0, last: null });
    expect(sums.of('nobody')).toMatchObject({ reads: 0, last: null });
  });

  it('knows of replicas that are gone what the store has, but no use from the future', () => {
    const stored = new Map([
      ['orders key 0a1b2c3d', { atMs: 3000, replica: 'gone' }],
      ['mailer key 0a1b2c3d', { atMs: NOW_MS + 3_600_000, replica: 'gone' }],
    ]);
    const sums = new ClientSums(stored, NOW_MS);
    sums.add('a', [use('orders', 2000)]);
    expect(sums.of('orders key 0a1b2c3d')).toMatchObject({ uses: 5, last: { atMs: 3000, replica: 'gone' } });
    expect(sums.of('mailer key 0a1b2c3d').last).toBeNull();
  });

  it('is answered with those that did anything, the last first, as many as there is room for', () => {
    const many = Array.from({ length: 5000 }, (_, index) => use(`client-${String(index)}`, index));
    const answer = answerOf([...many, use('idle', null)]);
    expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(61_000);
    expect(answer.length).toBeGreaterThan(300);
    expect(answer[0]?.client).toBe('client-4999');
    expect(answerOf([use('idle', null), use('refused', null, { refused: 1 })])).toEqual([
      use('refused', null, { refused: 1, identities: [] }),
    ]);
  });

  it('has the last use of each identity that was used', () => {
    expect(lastUsesOf([use('orders', 1000), use('mailer', null)])).toEqual(
      new Map([['orders key 0a1b2c3d', 1000]]),
    );
  });

  it.each<[string, unknown, readonly ClientUse[]]>([
    ['nothing', undefined, []],
    ['no list', { client: 'orders' }, []],
    ['no clients', [null, 7, 'x', [], { client: 7 }, { client: 'x'.repeat(3000) }], []],
    [
      'wrong fields',
      [{ client: 'orders', reads: -1, reports: 'x', refused: 1e99, identities: [{ kind: 'key' }, null] }],
      [use('orders', null, { identities: [] })],
    ],
    ['what a replica wrote', [use('orders', 7, { reads: 3 })], [use('orders', 7, { reads: 3 })]],
  ])('is read out of a store that anybody may have written to: %s', (_what, stored, expected) => {
    expect(readClientUses(JSON.parse(JSON.stringify(stored ?? null)))).toEqual(expected);
  });
});
