import { setTimeout as sleep } from 'node:timers/promises';
import { prng } from '../prng.js';
import { CHANGES_KEY } from '../redis-steps.js';
import type { Replica } from '../replica.js';
import type { Scenario, World } from '../scenario.js';

const STEPS = 8;

interface Step {
  readonly name: string;
  /** Fetches that it may cost. */
  readonly cost: number;
  readonly take: (world: World, victim: Replica, random: () => number) => Promise<void>;
}

/** Of the platform and the network. */
const FAULTS: readonly Step[] = [
  {
    name: 'platform drops a reply',
    cost: 1,
    take: async ({ cluster }) => void cluster.simulator.addFault({ dropReply: true }),
  },
  {
    name: 'platform is slow before it acts',
    cost: 1,
    take: async ({ cluster }, _, random) =>
      void cluster.simulator.addFault({ delayBeforeMs: Math.floor(random() * 1500) }),
  },
  {
    name: 'platform is slow to answer',
    cost: 1,
    take: async ({ cluster }, _, random) =>
      void cluster.simulator.addFault({ delayAfterMs: Math.floor(random() * 800) }),
  },
  {
    name: 'platform answers 502',
    cost: 1,
    take: async ({ cluster }) => void cluster.simulator.addFault({ status: 502 }),
  },
  { name: 'connections to Redis are cut', cost: 1, take: async (_, { toRedis }) => toRedis?.sever() },
  {
    name: 'connections to Redis are half-open',
    cost: 1,
    take: async (_, { toRedis }) => toRedis?.halfOpen(),
  },
  {
    name: 'Redis is slow',
    cost: 1,
    take: async (_, { toRedis }, random) => toRedis?.set({ replies: { delayMs: random() * 400 } }),
  },
  {
    name: 'a reply of Redis is lost',
    cost: 1,
    take: async (_, { toRedis }) => void toRedis?.next('reset_after', (bytes) => bytes.includes('EVALSHA')),
  },
  {
    name: 'Redis is behind a black hole for one replica',
    cost: 1,
    take: async (_, { toRedis }, random) => {
      await toRedis?.blackHole();
      await sleep(random() * 2000);
      await toRedis?.heal();
    },
  },
  {
    name: 'a replica is frozen',
    cost: 1,
    take: async (_, victim, random) => {
      victim.freeze();
      await sleep(random() * 2500);
      victim.thaw();
    },
  },
];

/** The list of changes loses what it had. */
const LIST_LOSSES: readonly Step[] = [
  {
    name: 'the list of changes is deleted',
    cost: 0,
    take: async ({ cluster }) => {
      await cluster.redis.call('DEL', CHANGES_KEY);
    },
  },
  {
    name: 'the list of changes is trimmed to one entry',
    cost: 0,
    take: async ({ cluster }) => {
      await cluster.redis.call('XTRIM', CHANGES_KEY, 'MAXLEN', '1');
    },
  },
];

/** The store loses what it had. */
const LOSSES: readonly Step[] = [
  {
    name: 'Redis is flushed',
    cost: 2,
    take: async ({ cluster }) => {
      await cluster.redis.call('FLUSHALL');
    },
  },
  { name: 'Redis restarts empty', cost: 3, take: async ({ cluster }) => cluster.redis.restart() },
  {
    name: 'Redis is frozen',
    cost: 1,
    take: async ({ cluster }, _, random) => {
      cluster.redis.freeze();
      await sleep(random() * 1500);
      cluster.redis.thaw();
    },
  },
];

/** A replica loses what it had. */
const DEATHS: readonly Step[] = [
  {
    name: 'a replica is killed',
    cost: 1,
    take: async (_, victim) => {
      await victim.kill();
      await victim.start();
    },
  },
];

/** One replica after the other is hit by one thing after the other, and now and then somebody forces a rotation. */
export function randomScenario(seed: number): Scenario {
  return {
    name: `random, seed ${String(seed)}`,
    reporting: true,
    mayBeUnserved: true,
    isCutOff: true,
    convergedWithinMs: 12_000,
    run: async (world) => {
      const random = prng(seed);
      // Never both: a store that loses an open intent, and the death of its owner, is what the protocol leaves open.
      const steps = [...FAULTS, ...LIST_LOSSES, ...(random() < 0.5 ? LOSSES : DEATHS)];
      for (let turn = 0; turn < STEPS; turn++) {
        const step = steps[Math.floor(random() * steps.length)];
        const victim = world.cluster.replica(Math.floor(random() * world.cluster.replicas.length));
        const forcer = world.cluster.replica(Math.floor(random() * world.cluster.replicas.length));
        if (!step) continue;
        world.fault(step.cost);
        world.did(`${step.name} (${victim.name})`);
        const forced = random() < 0.4 ? world.force(world.cluster.app('classic'), forcer) : null;
        await step.take(world, victim, random);
        await sleep(random() * 800);
        void forced;
      }
    },
  };
}
