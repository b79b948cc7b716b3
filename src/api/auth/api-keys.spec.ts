import { createHash } from 'node:crypto';
import { ApiKeys } from './client-access.js';

const sha256 = (key: string) => createHash('sha256').update(key).digest('hex');

describe('ApiKeys', () => {
  const apiKeys = new ApiKeys(
    [
      { name: 'orders', keySha256: [sha256('old'), sha256('new').toUpperCase()], apps: '*', scopes: [] },
      { name: 'mailer', keySha256: [sha256('third')], apps: ['blog'], scopes: ['token:read'] },
    ],
    ['shop', 'blog'],
  );
  const nameOf = (header: string) => {
    const answer = apiKeys.authenticate(header);
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
    expect(apiKeys.authenticate(undefined)).toEqual({ kind: 'missing' });
  });
});
