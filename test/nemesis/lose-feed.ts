import type { Cluster } from './cluster.js';

/** Ends the subscriptions of all replicas; when they subscribe again, nothing comes any more, and nobody is told. */
export async function loseFeed({ waysToRedis, redis }: Cluster): Promise<void> {
  const isSubscribe = (bytes: Buffer): boolean => bytes.includes('subscribe');
  const lost = waysToRedis.map((way) => way.next('lose_reply', isSubscribe));
  await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await Promise.all(lost);
}
