import { remedyFor } from './remedy-for.js';

describe('the remedy for a trouble with Redis', () => {
  it.each([
    ['Redis answered: WRONGPASS invalid username-password pair or user is disabled.', 'user and password'],
    ['no connection to Redis (NOAUTH Authentication required.)', 'user and password'],
    ['Redis answered: NOPERM this user has no permissions to run the evalsha command', 'docs/redis.md'],
    ['no connection to Redis (self-signed certificate in certificate chain)', 'redis.tls.ca'],
    ["Redis answered: ERR unknown command 'EVALSHA', with args beginning with: ", 'docs/redis.md'],
    ['Redis Cluster has no node for this command: its slot is being moved', '--cluster fix'],
    ['no connection to Redis (Unknown RESP type 72 "H". Please report this.)', 'host and port'],
    [
      'no connection to Redis (ERR This instance has cluster support disabled)',
      'instead of redis.clusterNodes',
    ],
    [
      "All sentinels are unreachable. Last error: ERR unknown command 'sentinel'",
      'instead of redis.sentinels',
    ],
    ['Redis answered: MOVED 1234 127.0.0.1:7001', 'redis.clusterNodes'],
    ["Redis answered: READONLY You can't write against a read only replica.", 'primary'],
    ["Redis answered: OOM command not allowed when used memory > 'maxmemory'.", 'maxmemory'],
    ['Redis refused the database of redis.url: ERR DB index is out of range', 'number'],
  ])('%s', (message, named) => {
    expect(remedyFor(message)).toContain(named);
  });

  it.each([
    'no connection to Redis (connect ECONNREFUSED 127.0.0.1:6379)',
    'Redis gave no answer within 800 ms',
  ])('is to bring it back where nothing but the way is missing: %s', (message) => {
    expect(remedyFor(message)).toMatch(/^Bring Redis back, or the way to it\./);
  });
});
