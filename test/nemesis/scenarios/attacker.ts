import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import type { Cluster, ClusterApp } from '../cluster.js';
import { LEASE_MS } from '../scale.js';
import type { Scenario, World } from '../scenario.js';

const HUGE = '9007199254740989';
const PAUSE_MS = 100;

/** The keys of an app, and those that version 0.1 had for its name. */
function keysOf({ name, appId, grant }: ClusterApp) {
  const base = `tokenbroker:{${name}}`;
  return {
    state: `${base}:wechat:${appId}:${grant}:state`,
    lease: `${base}:wechat:${appId}:${grant}:lease`,
    owner: `${base}:owner`,
    legacy: `${base}:state`,
    legacyFence: `${base}:fence`,
  };
}

/** Does the same to every app again and again. */
async function repeat(
  { cluster }: World,
  times: number,
  act: (keys: ReturnType<typeof keysOf>, call: Cluster['redis']['call']) => Promise<unknown>,
): Promise<void> {
  const call: Cluster['redis']['call'] = (...args) => cluster.redis.call(...args);
  for (let round = 0; round < times; round += 1) {
    for (const app of cluster.apps) await act(keysOf(app), call);
    await sleep(PAUSE_MS);
  }
}

/** A rotation whose state is taken away before another replica has read it is lost on that one until its own replica stores it again. */
async function everybodyServesTheNewest({ cluster }: World, app: ClusterApp): Promise<void> {
  for (const replica of cluster.replicas) {
    await eventually(`${replica.name} serves the newest token`, async () => {
      const { body } = await replica.get(`/token?app=${app.name}`);
      return body.access_token === cluster.tokens(app).at(-1)?.token;
    });
  }
}

/** Somebody who may do anything in Redis but has no encryption key. A fetch is allowed for each time that a state is lost. */
export const ATTACKER: readonly Scenario[] = [
  {
    name: 'an attacker writes garbage, hashes and huge numbers to Redis',
    run: async (world) => {
      world.fault(4);
      await repeat(world, 20, (keys, call) => call('SET', keys.state, `garbage ${HUGE}`));
      world.did('garbage in the states');
      await repeat(world, 20, async (keys, call) => {
        await call('DEL', keys.state);
        await call('HSET', keys.state, 'generation', HUGE, 'expires_at', HUGE, 'fetches', '0');
      });
      world.did('hashes in place of the states');
      await repeat(world, 20, async (keys, call) => {
        await call(
          'HSET',
          keys.legacy,
          'generation',
          HUGE,
          'suspect',
          HUGE,
          'wait_until',
          HUGE,
          'wait_why',
          '{"message":"x"}',
        );
        await call('SET', keys.legacyFence, HUGE);
        await call('SET', keys.owner, HUGE);
        await call('SET', keys.lease, HUGE, 'PX', '50');
      });
      world.did('what version 0.1 would have stored, owners and leases');
    },
  },
  {
    name: 'an attacker deletes the states again and again',
    run: async (world) => {
      world.fault(4);
      await repeat(world, 40, (keys, call) => call('DEL', keys.state, keys.owner, keys.lease));
      await sleep(2 * LEASE_MS);
    },
  },
  {
    name: 'an attacker puts old states back, and restarts every replica over one',
    run: async (world) => {
      const { cluster, fault, force } = world;
      const old = new Map<string, string>();
      for (const app of cluster.apps) {
        const { state } = keysOf(app);
        old.set(state, String(await cluster.redis.call('GET', state)));
        await force(app, cluster.replica(0));
        await everybodyServesTheNewest(world, app);
      }
      fault(5);
      await repeat(world, 20, (keys, call) => call('SET', keys.state, old.get(keys.state) ?? ''));
      world.did('replays under running replicas');
      await Promise.all(cluster.replicas.map((replica) => replica.terminate()));
      await repeat(world, 1, (keys, call) => call('SET', keys.state, old.get(keys.state) ?? ''));
      await cluster.start();
      world.did('a restart over the replays');
    },
    mayBeUnserved: true,
    isPutBack: true,
  },
];
