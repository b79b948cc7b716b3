import { findLeaks } from './find-leaks.js';

const SECRETS = { secret: 'p/q+r&s=t "u" 0123456789' };

describe('findLeaks', () => {
  it.each([
    ['as it is', SECRETS.secret],
    ['in JSON', JSON.stringify({ secret: SECRETS.secret })],
    ['in JSON of JSON', JSON.stringify(JSON.stringify(SECRETS.secret))],
    ['in a query', new URLSearchParams(SECRETS).toString()],
    ['URL-encoded', encodeURIComponent(SECRETS.secret)],
    ['in base64', Buffer.from(SECRETS.secret).toString('base64')],
    ['in base64 after one byte', Buffer.from(`:${SECRETS.secret}`).toString('base64')],
    ['in base64 after two bytes', Buffer.from(`a:${SECRETS.secret}`).toString('base64')],
    ['in base64url, glued to a word', `token${Buffer.from(SECRETS.secret).toString('base64url')}`],
    ['in URL-encoded base64', encodeURIComponent(Buffer.from(SECRETS.secret).toString('base64'))],
  ])('finds a secret %s', (_, text) => {
    expect(findLeaks(`{"msg":"before ${text} after"}`, SECRETS)).toEqual(['secret']);
  });

  it('finds nothing where nothing is', () => {
    expect(findLeaks('{"msg":"nothing here"}', SECRETS)).toEqual([]);
  });
});
