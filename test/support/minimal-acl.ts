/**
 * What the broker's Redis user needs and no more, as ACL rules, for the default key prefix. `EVAL` and `EVALSHA` check
 * the commands inside of the scripts against the same rules.
 */
export const MINIMAL_ACL = [
  '~tokenbroker:*',
  '&tokenbroker:*',
  '-@all',
  // The connection
  ...['+auth', '+ping', '+info', '+select', '+client|setname'],
  // The scripts, and what they do
  ...['+eval', '+evalsha', '+time', '+get', '+set', '+del', '+exists'],
  // The list of changes
  ...['+xadd', '+xrange', '+xrevrange'],
  // What version 0.1 left
  ...['+hgetall', '+hset', '+hdel', '+pexpire'],
  // The console
  ...['+xadd', '+xrange', '+xrevrange', '+hget', '+hlen'],
  // Redis Cluster: where the keys are, and where they are moving to
  ...['+cluster|slots', '+cluster|info', '+readonly', '+readwrite', '+asking'],
  // The feed
  ...['+publish', '+subscribe', '+unsubscribe'],
].join(' ');
