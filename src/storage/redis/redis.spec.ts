import { SHOP } from '../../../test/support/app-identity.js';
import { freshPrefix, sharedRedis, storeOver } from '../../../test/support/redis-as-broker.js';
import { ShiftedClock } from '../../../test/support/shifted-clock.js';
import type { FetchPermit } from '../../core/ports/token-store.js';
import { describeRefreshLease } from '../../core/ports/refresh-lease.contract.js';
import { describeTokenStore } from '../../core/ports/token-store.contract.js';
import { RedisConnection, RedisRefreshLease, RedisTokenStore, TokenCipher } from './index.js';

const time = new ShiftedClock();
const redis = sharedRedis(RedisConnection, time);

const elapse = (ms: number): Promise<void> => time.advance(ms);

describeTokenStore('Redis', async () => {
  const keyPrefix = freshPrefix();
  return {
    store: storeOver(redis.connection, keyPrefix),
    there: storeOver(redis.connection, keyPrefix),
    lease: new RedisRefreshLease(redis.connection, keyPrefix),
    elapse,
  };
});

describeRefreshLease('Redis', async () => ({
  lease: new RedisRefreshLease(redis.connection, freshPrefix()),
  elapse,
}));

const begin = async (store: RedisTokenStore, lease: RedisRefreshLease, seenGeneration = 0) => {
  const acquired = await lease.acquire(SHOP, 1000);
  if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
  const begun = await store.begin(SHOP, {
    lease: acquired.lease,
    charge: null,
    credential: null,
    seenGeneration,
    highestKnown: 0,
    ignoreBackOff: 'none',
    budget: { daily: 9, forcedDaily: 9, dayOffsetMs: 0 },
    leaseMs: 1000,
  });
  await lease.release(acquired.lease);
  return begun;
};

describe('tokens in Redis', () => {
  it('are sealed, and replaced by a new fetch when no key opens them', async () => {
    const keyPrefix = freshPrefix();
    const unreadable: string[] = [];
    const storeWith = (id: string, fill: number): RedisTokenStore =>
      new RedisTokenStore(redis.connection, {
        keyPrefix,
        cipher: new TokenCipher([{ id, key: Buffer.alloc(32, fill) }]),
        onUnreadable: ({ name }) => unreadable.push(name),
        onOtherOwner: () => undefined,
      });
    const lease = new RedisRefreshLease(redis.connection, keyPrefix);
    const before = storeWith('k1', 1);
    const first = await begin(before, lease);
    if (first.kind !== 'granted') throw new Error(first.kind);
    const commit = { value: 'canary-token', expiresInMs: 60_000, owner: 'me', reason: 'cold' } as const;
    await before.commit(SHOP, { ...commit, permit: first.permit });
    expect(await redis.server.dump()).not.toContain('canary-token');

    const after = storeWith('k2', 2);
    expect((await after.read(SHOP)).record).toBeNull();
    const second = await begin(after, lease);
    if (second.kind !== 'granted') throw new Error(second.kind);
    expect(second.permit.fence).toBeGreaterThan(first.permit.fence);
    await after.commit(SHOP, { ...commit, value: 'next-token', permit: second.permit });
    expect((await after.read(SHOP)).record?.value).toBe('next-token');
    expect(unreadable).toEqual(['shop']);
  });
});

describe('an app that is configured no longer', () => {
  const DAY_MS = 24 * 60 * 60 * 1000;

  it('is gone from Redis after a day, unless somebody writes to it', async () => {
    const keyPrefix = freshPrefix();
    const store = storeOver(redis.connection, keyPrefix);
    const lease = new RedisRefreshLease(redis.connection, keyPrefix);
    const commit = { value: 'one', expiresInMs: 60_000, owner: 'me', reason: 'cold' } as const;
    const lives = async (): Promise<number[]> => {
      const keys = (await redis.server.call('keys', `${keyPrefix}*`)) as string[];
      expect(keys.length).toBeGreaterThan(0);
      return Promise.all(keys.map(async (key) => Number(await redis.server.call('pttl', key))));
    };
    const permitOf = async (): Promise<FetchPermit> => {
      const begun = await begin(store, lease, Number.MAX_SAFE_INTEGER);
      if (begun.kind !== 'granted') throw new Error(begun.kind);
      return begun.permit;
    };
    await store.commit(SHOP, { ...commit, permit: await permitOf() });
    await store.expire(SHOP);
    for (const leftMs of await lives()) expect(leftMs).toBeLessThanOrEqual(DAY_MS);
    expect((await store.read(SHOP)).record?.value).toBe('one');
    await store.commit(SHOP, { ...commit, permit: await permitOf() });
    expect(Math.max(...(await lives()))).toBeGreaterThan(DAY_MS);
  });
});

describe('the connection to Redis', () => {
  it('lets the commands of one turn of the event loop leave together, in their order', async () => {
    const { client } = redis.connection;
    if (!('stream' in client)) throw new Error('no single connection');
    const key = freshPrefix();
    const sent = client.stream.bytesWritten;
    const replies = [client.set(key, '1'), client.get(key), client.set(key, '2'), client.get(key)];
    expect(client.stream.writableCorked).toBe(1);
    expect(await Promise.all(replies)).toEqual(['OK', '1', 'OK', '2']);
    expect(client.stream.writableCorked).toBe(0);
    expect(client.stream.bytesWritten).toBeGreaterThan(sent);
  });
});
