/**
 * What the broker's Redis user needs and no more, as ACL rules, for the default key prefix. `EVAL` and `EVALSHA` check
 * the commands inside of the scripts against the same rules.
 */
export const MINIMAL_ACL = [
  '~tokenbroker:*',
  '&tokenbroker:*',
  '-@all',
  // The connection
  ...['+hello', '+auth', '+ping', '+info', '+select', '+client|setname'],
  // The scripts, and what they do
  ...[
    '+eval',
    '+evalsha',
    '+time',
    '+get',
    '+set',
    '+del',
    '+exists',
    '+hgetall',
    '+hset',
    '+hdel',
    '+hincrby',
  ],
  // The feed
  ...['+publish', '+subscribe', '+unsubscribe'],
].join(' ');
