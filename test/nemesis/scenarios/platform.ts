import { setTimeout as sleep } from 'node:timers/promises';
import { newApp } from '../../support/broker-config.js';
import { eventually } from '../../support/eventually.js';
import type { Replica } from '../replica.js';
import { CONVERGED_WITHIN_MS, LIFE_SECONDS, REFRESH } from '../scale.js';
import type { Scenario, World } from '../scenario.js';

/** From one rotation to the next. */
const ROTATION_MS = (LIFE_SECONDS - REFRESH.aheadSeconds) * 1000;

/** WeChat, or the way to it, fails. */
export const PLATFORM: readonly Scenario[] = [
  ...[1, 2, 3].map((times) => ({
    name: `the platform's reply is dropped ${String(times)} times in a row`,
    reporting: true,
    // The back-off doubles with each failure, and is not scaled as the token's life is.
    mayBeUnserved: times > 2,
    convergedWithinMs: CONVERGED_WITHIN_MS + 1000 * 2 ** times,
    run: async ({ cluster, fault, force }: World) => {
      const app = cluster.app('classic');
      fault(times, app);
      const id = cluster.simulator.addFault({ appId: app.appId, dropReply: true, times });
      await force(app, cluster.replica(0));
      await eventually(
        'all dropped',
        () => cluster.simulator.faults.list().some((one) => one.id === id && one.hits === times),
        20_000,
      );
    },
  })),
  {
    name: 'two requests are reordered on the wire',
    run: async ({ cluster, fault, force, platformSees }) => {
      const app = cluster.app('classic');
      fault(2, app);
      cluster.simulator.addFault({ appId: app.appId, delayBeforeMs: 2600 });
      const bothSeen = platformSees(app, 2);
      await force(app, cluster.replica(0));
      await eventually('the second one', async () => (await force(app, cluster.replica(1))) === 200);
      await bothSeen;
      await sleep(2000);
    },
  },
  {
    name: 'the platform is down across the refresh window and past expiry',
    mayBeUnserved: true,
    convergedWithinMs: 25_000,
    run: async ({ cluster, fault }) => {
      fault();
      cluster.simulator.addFault({ status: 502, times: 0 });
      await sleep((LIFE_SECONDS + 1) * 1000);
    },
  },
  {
    name: 'replicas with different ways out, and one of the addresses is not on the whitelist',
    cluster: { replicas: 2 },
    run: async ({ cluster, fault, force }) => {
      const [refused, welcome] = [cluster.replica(0), cluster.replica(1)];
      // Each app: the forced try below, and one more of the refused replica while the others rotate.
      fault(2);
      refused.toPlatform.localAddress = '127.0.0.2';
      for (const app of cluster.apps) {
        cluster.simulator.setIpWhitelist(['127.0.0.1'], app.appId);
        await force(app, refused);
      }
      await sleep(ROTATION_MS + 1500);
      const appsOf = async (replica: Replica) => Object.values((await replica.get('/apps')).body);
      expect(await appsOf(refused)).toEqual(
        cluster.apps.map((): unknown =>
          expect.objectContaining({
            state: 'degraded',
            last_error: expect.objectContaining({
              errcode: 40164,
              message: expect.stringMatching(
                /^the address of replica .* is refused: invalid ip 127\.0\.0\.2/,
              ) as string,
            }) as object,
          }),
        ),
      );
      expect(await appsOf(welcome)).toEqual(
        cluster.apps.map((): unknown => expect.objectContaining({ state: 'ok', last_error: null })),
      );
      for (const app of cluster.apps) {
        cluster.simulator.setIpWhitelist(null, app.appId);
        await force(app, refused);
      }
    },
  },
  {
    name: 'one replica cannot reach the platform',
    run: async ({ cluster, fault }) => {
      fault(3);
      await cluster.replica(0).toPlatform.blackHole();
      await sleep(ROTATION_MS + 1500);
    },
  },
  {
    name: 'somebody else fetches with the same secret, twice',
    reporting: true,
    run: async ({ cluster, fault }) => {
      const { appId } = cluster.app('classic');
      fault(2);
      cluster.simulator.rotateByOther({ appId });
      await sleep(300);
      cluster.simulator.rotateByOther({ appId });
      await sleep(500);
    },
  },
  {
    name: 'a configuration error costs one call, whoever asks',
    endsUnwell: true,
    run: async ({ cluster, fault }) => {
      const before = cluster.apps.map((app) => cluster.requests(app));
      fault();
      for (const { appId } of cluster.apps) cluster.simulator.resetSecret(newApp().appSecret, appId);
      await sleep(ROTATION_MS + 1500);
      const calls = cluster.apps.map((app, index) => cluster.requests(app) - (before[index] ?? 0));
      expect(calls).toEqual(cluster.apps.map(() => 1));
    },
  },
  {
    name: 'a storm of forced refreshes stays within the budget',
    cluster: { refresh: { dailyBudget: 6, forcedDailyBudget: 3 } },
    run: async ({ cluster, force }) => {
      const app = cluster.app('classic');
      const before = cluster.requests(app);
      for (let round = 0; round < 8; round++) {
        await Promise.all(cluster.replicas.map((replica) => force(app, replica)));
      }
      expect(cluster.requests(app) - before).toBe(3);
    },
  },
];
