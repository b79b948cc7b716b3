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

  it('misses a header that is not there', () => {
    expect(of()).toEqual({ kind: 'missing' });
  });
});
