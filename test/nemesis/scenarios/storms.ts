import { setTimeout as sleep } from 'node:timers/promises';
import { ask, type Reply } from '../ask.js';
import type { Cluster, ClusterApp } from '../cluster.js';
import type { Scenario, World } from '../scenario.js';

const STORM_MS = 6000;
/** No rotation falls due meanwhile. */
const LONG_LIFE_SECONDS = 600;
/** Nothing may be given up while the platform is held. */
const PATIENT = { upstreamTimeoutSeconds: 20, leaseSeconds: 30 };

/** Many callers who all want the same at once: one fetch for all of them. */
export const STORMS: readonly Scenario[] = [
  {
    name: 'cold start of 3 replicas, 500 callers',
    cluster: { refresh: PATIENT },
    isColdStart: true,
    mayBeUnserved: true,
    run: (world) => coldStart(world, 500),
  },
  {
    name: 'cold start of 2 replicas, 100 callers of each app',
    cluster: { replicas: 2, refresh: PATIENT },
    isColdStart: true,
    mayBeUnserved: true,
    run: (world) => coldStart(world, 200),
  },
  {
    name: 'the token dies; 2 x 50 callers report it at once',
    cluster: { replicas: 2 },
    reporting: true,
    run: async ({ cluster, fault }) => {
      fault();
      for (const app of cluster.apps) await reportedAtOnce(cluster, app, 50);
    },
  },
  {
    name: 'the token dies; 30 callers report it one after the other, for 6 s',
    cluster: { replicas: 2, lifeSeconds: LONG_LIFE_SECONDS },
    run: async ({ cluster, fault }) => {
      fault();
      await Promise.all(cluster.apps.map((app) => reportedInTurn(cluster, app)));
    },
  },
  {
    name: 'the token dies; 2 x 50 callers report it at once, for each of 100 apps',
    cluster: {
      replicas: 2,
      apps: manyApps(100),
      logLevel: 'info',
      lifeSeconds: LONG_LIFE_SECONDS,
      refresh: PATIENT,
    },
    run: async ({ cluster, fault }) => {
      fault();
      for (const app of cluster.apps) await reportedAtOnce(cluster, app, 50);
    },
  },
];

/** Of each grant half. */
function manyApps(count: number): Pick<ClusterApp, 'name' | 'grant'>[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `app-${String(index)}`,
    grant: index % 2 === 0 ? 'classic' : 'stable',
  }));
}

async function coldStart({ cluster }: World, callers: number): Promise<void> {
  const hold = cluster.simulator.addFault({ holdUntilReleased: true, times: 0 });
  await Promise.all(cluster.replicas.map((replica) => replica.start()));
  const replies = Array.from({ length: callers }, (_, caller) => {
    const app = cluster.apps[caller % cluster.apps.length];
    const turn = Math.floor(caller / cluster.apps.length);
    return cluster.replica(turn % cluster.replicas.length).get(`/token?app=${app?.name ?? ''}`, 20_000);
  });
  await sleep(300);
  cluster.simulator.removeFault(hold);
  expectAll(await Promise.all(replies), 200);
  for (const app of cluster.apps) expectFetches(cluster, app, 1);
}

async function reportedAtOnce(cluster: Cluster, app: ClusterApp, callers: number): Promise<void> {
  const before = cluster.fetches(app);
  const token = cluster.tokens(app).at(-1)?.token;
  cluster.simulator.killToken({ appId: app.appId });
  const replies = await Promise.all(
    cluster.replicas.flatMap((replica) =>
      Array.from({ length: callers }, () => replica.post('/token/refresh', reportOf(app, token))),
    ),
  );
  expectAll(replies, 200);
  expectFetches(cluster, app, before + 1);
  await expectNothingForTheOld(cluster, app, token);
}

async function reportedInTurn(cluster: Cluster, app: ClusterApp): Promise<void> {
  const before = cluster.fetches(app);
  const token = cluster.tokens(app).at(-1)?.token;
  cluster.simulator.killToken({ appId: app.appId });
  const replies = await Promise.all(
    Array.from({ length: 30 }, async (_, caller) => {
      await sleep((caller * STORM_MS) / 30);
      const { url } = cluster.replica(caller % cluster.replicas.length);
      const key = caller % 3 === 0 ? cluster.otherKey : cluster.key;
      return ask({ url: `${url}/token/refresh`, key, body: reportOf(app, token), timeoutMs: 5000 });
    }),
  );
  expectAll(replies, 200);
  expectFetches(cluster, app, before + 1);
  await expectNothingForTheOld(cluster, app, token);
}

/** I5: whoever reports a token that is not the current one costs the platform nothing. */
async function expectNothingForTheOld(cluster: Cluster, app: ClusterApp, token = ''): Promise<void> {
  const before = cluster.simulator.calls(app.appId).counts;
  const replies = await Promise.all(
    cluster.replicas.map((replica) => replica.post('/token/refresh', reportOf(app, token))),
  );
  expect(replies.map(({ body }) => body.reason)).toEqual(replies.map(() => 'already_rotated'));
  expect(cluster.simulator.calls(app.appId).counts).toEqual(before);
}

function reportOf(app: ClusterApp, token: string | undefined): object {
  return { app: app.name, access_token: token, errcode: 40001 };
}

function expectAll(replies: readonly Reply[], status: number): void {
  expect([...new Set(replies.map((reply) => reply.status))]).toEqual([status]);
}

function expectFetches(cluster: Cluster, app: ClusterApp, fetches: number): void {
  expect({ [app.name]: cluster.fetches(app) }).toEqual({ [app.name]: fetches });
}
