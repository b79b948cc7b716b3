import { setTimeout as sleep } from 'node:timers/promises';
import { loseFeed } from '../lose-feed.js';
import { isStep } from '../redis-steps.js';
import { LIFE_SECONDS } from '../scale.js';
import type { Scenario, World } from '../scenario.js';

const SHORT_MS = 3000;
const HOUR_SECONDS = 3600;

/** Redis, or the way to it, fails. Each replica is cut off then, and all may ask a stable platform: so many faults. */
export const REDIS: readonly Scenario[] = [
  {
    name: 'Redis is killed and comes back empty',
    run: async ({ cluster, fault }) => {
      fault(3);
      await cluster.redis.kill();
      await sleep(SHORT_MS);
      await cluster.redis.restart();
    },
  },
  {
    name: "Redis is gone for longer than a token's life, stable grant",
    cluster: { apps: [{ name: 'stable', grant: 'stable' }] },
    run: goneForALife,
  },
  {
    // Each replica mints for itself then. The third mint would end the token of the first: see what stays open.
    name: "Redis is gone for longer than a token's life, classic grant, 2 replicas",
    cluster: { replicas: 2, apps: [{ name: 'classic', grant: 'classic' }] },
    run: goneForALife,
  },
  {
    name: 'Redis is frozen',
    run: async ({ cluster, fault }) => {
      fault(3);
      cluster.redis.freeze();
      await sleep(SHORT_MS);
      cluster.redis.thaw();
    },
  },
  {
    name: 'Redis is behind a black hole',
    run: async ({ cluster, fault }) => {
      fault(3);
      await Promise.all(cluster.waysToRedis.map((way) => way.blackHole()));
      await sleep(SHORT_MS);
    },
  },
  {
    name: 'every connection to Redis is half-open',
    run: async ({ cluster, fault, force }) => {
      fault(3);
      for (const way of cluster.waysToRedis) way.halfOpen();
      // Not healed: who does not notice by itself never gets well.
      await sleep(SHORT_MS);
      await force(cluster.app('classic'), cluster.replica(1));
    },
  },
  {
    name: 'Redis answers late, and the replies of three commits are lost',
    run: async ({ cluster, fault, force }) => {
      const app = cluster.app('classic');
      await Promise.all(cluster.waysToRedis.map((way) => way.set({ replies: { delayMs: 60 } })));
      for (const replica of cluster.replicas) {
        fault(1, app);
        void replica.toRedis?.next('reset_after', isStep('commit'));
        await force(app, replica);
      }
    },
  },
  {
    name: 'Redis is flushed',
    run: async ({ cluster, fault }) => {
      fault();
      await cluster.redis.call('FLUSHALL');
    },
  },
  {
    // An hour of a token's two, scaled.
    name: 'Redis is restored from a dump that is half of a life old',
    run: async ({ cluster, fault, force }) => {
      const app = cluster.app('classic');
      const old = await cluster.redis.snapshot();
      await sleep((LIFE_SECONDS * 1000) / 2);
      await force(app, cluster.replica(0));
      await force(app, cluster.replica(1));
      fault(3);
      await cluster.redis.restart({ data: old });
    },
  },
  {
    name: 'Redis fails over and loses the last second',
    cluster: { store: 'sentinel' },
    run: async ({ cluster, fault, force }) => {
      const { sentinel } = cluster;
      await sentinel?.stopReplication();
      await force(cluster.app('classic'), cluster.replica(0));
      fault(3);
      await sentinel?.killPrimary();
    },
  },
  {
    name: 'Redis becomes read-only',
    run: async ({ cluster, fault, force }) => {
      fault(3);
      await cluster.redis.call('REPLICAOF', '127.0.0.1', '1');
      await force(cluster.app('classic'), cluster.replica(0));
      await sleep(SHORT_MS);
      await cluster.redis.call('REPLICAOF', 'NO', 'ONE');
    },
  },
  {
    name: 'Redis is out of memory',
    run: async ({ cluster, fault, force }) => {
      fault(3);
      await cluster.redis.call('CONFIG', 'SET', 'maxmemory', '1');
      await force(cluster.app('classic'), cluster.replica(0));
      await sleep(SHORT_MS);
      await cluster.redis.call('CONFIG', 'SET', 'maxmemory', '0');
    },
  },
  ...[HOUR_SECONDS, -HOUR_SECONDS].map((seconds) => ({
    name: `Redis's clock jumps an hour ${seconds > 0 ? 'ahead' : 'back'}`,
    cluster: { hasMovableClock: true },
    run: async ({ fault, force, cluster }: World) => {
      fault(2);
      cluster.clock?.shift(seconds);
      await sleep(500);
      await force(cluster.app('classic'), cluster.replica(0));
      await sleep(500);
    },
  })),
  {
    name: 'one replica is cut off from Redis while another rotates',
    run: async ({ cluster, fault, force }) => {
      fault();
      await cluster.replica(0).toRedis?.blackHole();
      await sleep(500);
      await force(cluster.app('classic'), cluster.replica(1));
      await sleep(SHORT_MS);
    },
  },
  {
    name: 'the rotation feed is lost',
    run: async ({ cluster, fault, force }) => {
      fault(0);
      await loseFeed(cluster);
      await force(cluster.app('classic'), cluster.replica(0));
      await sleep(SHORT_MS);
    },
  },
  {
    name: "the broker's Redis user may not use the feed any more",
    run: async ({ cluster, fault, force }) => {
      fault(0);
      await cluster.redis.call('ACL', 'SETUSER', cluster.redisUser, 'resetchannels');
      await cluster.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await force(cluster.app('classic'), cluster.replica(0));
      await sleep(SHORT_MS);
    },
  },
  {
    name: 'connections to Redis are cut 20 times in a row',
    run: async ({ cluster, fault }) => {
      fault(3);
      for (let round = 0; round < 20; round++) {
        for (const way of cluster.waysToRedis) way.sever();
        await sleep(150);
      }
    },
  },
];

async function goneForALife({ cluster, fault }: World): Promise<void> {
  fault(6);
  await cluster.redis.kill();
  await sleep((LIFE_SECONDS + 1) * 1000);
  await cluster.redis.restart();
}
