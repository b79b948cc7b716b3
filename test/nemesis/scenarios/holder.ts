import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../support/eventually.js';
import { isStep } from '../redis-steps.js';
import { LEASE_MS } from '../scale.js';
import type { Scenario, World } from '../scenario.js';

/** Where the holder of the lease is caught: what it waits for comes only after it was hit. */
const POINTS = ['before sending', 'after sending', 'after minting', 'after commit'] as const;
type Point = (typeof POINTS)[number];

/** Long enough for others to take the lease, and for what was asked of the platform to be too old. */
const PAUSE_MS = LEASE_MS + 500;

/** The replica that fetches is hit at each step. It is always the first one, and the app the classic one, where every mint counts. */
export const HOLDER: readonly Scenario[] = [
  ...POINTS.map((point) => ({
    name: `kill -9 of the holder ${point}`,
    run: async (world: World) => {
      const holder = world.cluster.replica(0);
      const letGo = await caught(world, point);
      await holder.kill();
      await letGo();
      await sleep(500);
      await holder.start();
      await holder.ready();
    },
  })),
  ...POINTS.map((point) => ({
    name: `SIGSTOP of the holder ${point}`,
    run: async (world: World) => {
      const holder = world.cluster.replica(0);
      const letGo = await caught(world, point);
      holder.freeze();
      await letGo();
      await sleep(PAUSE_MS);
      holder.thaw();
      await sleep(500);
    },
  })),
  {
    name: 'SIGTERM of the holder during its fetch',
    run: async (world) => {
      const { cluster, fault, force } = world;
      const app = cluster.app('classic');
      const holder = cluster.replica(0);
      fault(1, app);
      cluster.simulator.addFault({ appId: app.appId, delayAfterMs: 400 });
      const seen = world.platformSees(app, 1);
      const forced = force(app, holder);
      await seen;
      expect(await holder.terminate()).toBe(0);
      await forced;
      const minted = cluster.tokens(app).at(-1)?.token;
      await eventually('what was minted, at another replica', async () => {
        const { body } = await cluster.replica(1).get(`/token?app=${app.name}`);
        return body.access_token === minted;
      });
      await holder.start();
      await holder.ready();
    },
  },
  {
    name: 'rolling restart of all replicas',
    run: async ({ cluster, fault }) => {
      for (const replica of cluster.replicas) {
        fault();
        expect(await replica.terminate()).toBe(0);
        await replica.start();
        await replica.ready();
      }
    },
  },
  {
    name: 'the lease is lost during the fetch, and another replica fetches too',
    run: async (world) => {
      const { cluster, fault, force } = world;
      const app = cluster.app('classic');
      fault(2, app);
      cluster.simulator.addFault({ appId: app.appId, delayAfterMs: 450 });
      const seen = world.platformSees(app, 1);
      const slow = force(app, cluster.replica(0));
      await seen;
      await cluster.loseLeases();
      await Promise.all([slow, force(app, cluster.replica(1))]);
    },
  },
  {
    name: 'a replica sleeps over two forced rotations and the grace after them',
    reporting: true,
    run: async ({ cluster, fault, force }) => {
      const app = cluster.app('classic');
      const sleeper = cluster.replica(0);
      fault(1);
      sleeper.freeze();
      await force(app, cluster.replica(1));
      await sleep(500);
      await force(app, cluster.replica(2));
      await sleep(1000);
      sleeper.thaw();
      await sleep(1000);
    },
  },
];

/** Has the holder fetch and stop at this point; what it waits for comes when the returned function is called. */
async function caught(world: World, point: Point): Promise<() => Promise<void>> {
  const { cluster, fault, force } = world;
  const app = cluster.app('classic');
  const holder = cluster.replica(0);
  fault(1, app);
  const healLink = async (): Promise<void> => {
    await holder.toRedis?.heal();
  };
  switch (point) {
    case 'before sending':
    case 'after commit': {
      const step = isStep(point === 'before sending' ? 'begin' : 'commit');
      const hit = holder.toRedis?.next('hold_reply', step);
      void force(app, holder);
      await hit;
      // Redis has to have done it.
      await sleep(30);
      return healLink;
    }
    case 'after sending': {
      const id = cluster.simulator.addFault({ appId: app.appId, holdUntilReleased: true });
      const seen = world.platformSees(app, 1);
      void force(app, holder);
      await seen;
      return async () => {
        cluster.simulator.removeFault(id);
      };
    }
    case 'after minting': {
      cluster.simulator.addFault({ appId: app.appId, delayAfterMs: 400 });
      const before = cluster.tokens(app).length;
      void force(app, holder);
      await eventually('minted', () => cluster.tokens(app).length > before);
      return async () => undefined;
    }
  }
}
