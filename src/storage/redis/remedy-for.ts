/** The first whose text is in the message holds. */
export const REMEDIES: readonly (readonly [pattern: RegExp, remedy: string])[] = [
  [
    /the database of redis\.url/,
    'Correct the number at the end of redis.url, or let Redis have that database and its user select it.',
  ],
  [
    /WRONGPASS|NOAUTH|invalid password/,
    "Correct the user and password in redis, or the user's password in Redis.",
  ],
  [/NOPERM|can't run this command/, 'Give the user in Redis the rights that docs/redis.md lists.'],
  [/RESP type/, 'What listens there is no Redis: correct host and port in redis.'],
  [
    /unknown command 'sentinel'/i,
    'This is a Redis, no sentinel: name it in redis.url instead of redis.sentinels, or correct the addresses of the sentinels.',
  ],
  [
    /cluster support disabled/,
    'This Redis is no cluster: name it in redis.url instead of redis.clusterNodes.',
  ],
  [
    /unknown command|unsupported|not supported/i,
    'This Redis, or a proxy in front of it, lacks a command that the broker needs: docs/redis.md lists them. Use a Redis or a proxy that has it.',
  ],
  [
    /certificate|altnames|self.signed/i,
    'Give the CA of the certificate as redis.tls.ca, and its name as redis.tls.serverName.',
  ],
  [
    /slot is being moved/,
    'It passes when the move ends; one that broke off is ended by `redis-cli --cluster fix`.',
  ],
  [/MOVED|CROSSSLOT/, 'This is a Redis Cluster: name its nodes in redis.clusterNodes instead of redis.url.'],
  [
    /READONLY/,
    'This is a replica, or a primary without its replicas: have redis name the primary, or the sentinels that know it.',
  ],
  [/OOM/, 'Redis is full: raise its maxmemory, with the policy noeviction.'],
];

const BRING_IT_BACK =
  'Bring Redis back, or the way to it. Until then every replica serves the token that it holds, to its end.';

/** What a person does about a trouble with Redis. */
export function remedyFor(message: string): string {
  return REMEDIES.find(([pattern]) => pattern.test(message))?.[1] ?? BRING_IT_BACK;
}
