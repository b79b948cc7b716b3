import { setTimeout as sleep } from 'node:timers/promises';
import { steadyNow } from '@access-token-broker/simulator';
import type { ClusterApp } from '../cluster.js';
import { loseFeed } from '../lose-feed.js';
import { prng } from '../prng.js';
import { CHANGES_KEY, isScript } from '../redis-steps.js';
import type { Replica } from '../replica.js';
import { LOOK_MS, SWEEP_MS, SWEPT_APPS, TRAVEL_MS } from '../scale.js';
import type { Scenario, World } from '../scenario.js';

const START = '0-0';
/** All apps are read within this where the list has a gap. */
const GAP_MS = 1000;
/** A command is given up after this, and a new connection is opened. */
const SILENCE_MS = 1100;
const DELAY_MS = 500;
/** Rotated at once. Of so many, some are read late where only the sweep finds them. */
const APPS = 6;
const POLL_MS = 50;
/** The platform lives in the process that also does all the asking, and is not what is tested. */
const PATIENT = { upstreamTimeoutSeconds: 5, leaseSeconds: 8 };
/** Every key of the broker but the list's. */
const OTHER_KEYS = ['{', 'claim:', 'history', 'replica', 'login'].map((name) => `~tokenbroker:${name}*`);

/** How long the last replica may take to serve what another one has stored. */
const IN_A_LOOK_MS = LOOK_MS + TRAVEL_MS;
const AFTER_A_GAP_MS = IN_A_LOOK_MS + GAP_MS;
const IN_A_SWEEP_MS = SWEEP_MS + TRAVEL_MS;

/**
 * Nothing but the list tells of a rotation here: the feed is lost, callers send no `min_generation`, and there are more
 * apps than a replica reads in each interval. Then the list is hurt, too. A replaced token is accepted for 8 s more, and
 * the sweep comes first.
 */
export const CHANGE_LIST: readonly Scenario[] = [
  scenario('the list of changes alone tells of a rotation', async (world) => {
    const times = await rotate(world, { within: IN_A_LOOK_MS });
    // Else the feed was not lost, and nothing is shown.
    expect(Math.max(...times)).toBeGreaterThan(2 * POLL_MS);
  }),
  scenario('the list of changes is deleted, trimmed, or replaced by something else', async (world) => {
    for (const words of [
      ['DEL', CHANGES_KEY],
      ['XTRIM', CHANGES_KEY, 'MAXLEN', '0'],
      ['XTRIM', CHANGES_KEY, 'MAXLEN', '1'],
      ['SET', CHANGES_KEY, 'garbage'],
    ]) {
      await rotate(world, { count: 2, within: AFTER_A_GAP_MS, spoil: () => call(world, ...words) });
    }
  }),
  scenario('entries are removed from the list of changes', async (world) => {
    const mark = await lastEntry(world);
    const spoil = () => removeSince(world, mark);
    expectSwept(await rotate(world, { within: IN_A_SWEEP_MS, spoil }));
  }),
  scenario("the broker's Redis user may add no entry any more, and may again", async (world) => {
    // The first look of a replica that finds no list has it read everything.
    await rotate(world, { within: IN_A_LOOK_MS });
    await setUser(world, '-xadd');
    expectSwept(await rotate(world, { within: IN_A_SWEEP_MS }));
    await setUser(world, '+xadd');
    await rotate(world, { within: IN_A_LOOK_MS });
  }),
  scenario(
    "the broker's Redis user may not use the list of changes any more, and may again",
    async (world) => {
      await setUser(world, 'resetkeys', ...OTHER_KEYS);
      // The first look finds out, and later ones are not needed.
      for (let round = 0; round < 2; round += 1) await rotate(world, { within: IN_A_LOOK_MS });
      await setUser(world, '~tokenbroker:*');
      await rotate(world, { within: AFTER_A_GAP_MS });
    },
  ),
  scenario('what Redis says of the list of changes comes late, or never', async (world) => {
    const ways = others(world).flatMap(({ toRedis }) => toRedis ?? []);
    await Promise.all(ways.map((way) => way.set({ replies: { delayMs: DELAY_MS } })));
    // The answer of the look, and that of the read.
    await rotate(world, { within: IN_A_LOOK_MS + 2 * DELAY_MS });
    await Promise.all(ways.map((way) => way.set({ replies: 'pass' })));
    await Promise.all(ways.map((way) => way.next('hold_reply', isScript('changes'))));
    await rotate(world, { within: AFTER_A_GAP_MS + SILENCE_MS });
  }),
  scenario('entries come a look late, and in another order than their states', async (world) => {
    await keepEntriesApart(world);
    const [first, second] = [world.cluster.replica(0), world.cluster.replica(1)];
    for (let round = 0; round < 3; round += 1) {
      const [app, later] = nextApps(world, 2);
      if (!app || !later) throw new Error('There are not enough apps');
      const lost = loseEntryOfCommit(world, app, first);
      await force(world, app, first);
      await lost;
      await force(world, later, second);
      // The writer adds it again at its next look.
      await Promise.all([
        served(world, [app], { by: first, within: LOOK_MS + AFTER_A_GAP_MS }),
        served(world, [later], { by: second, within: AFTER_A_GAP_MS }),
      ]);
    }
  }),
  scenario('a replica dies between a state and its entry', async (world) => {
    await keepEntriesApart(world);
    const { cluster, fault } = world;
    const holder = cluster.replica(0);
    const [app] = nextApps(world, 1);
    if (!app) throw new Error('There is no app');
    fault(1, app);
    const stored = loseEntryOfCommit(world, app, holder);
    void world.force(app, holder);
    await stored;
    await holder.kill();
    await served(world, [app], { by: holder, within: IN_A_SWEEP_MS });
    await holder.start();
    await holder.ready();
  }),
  scenario('the list of changes is hurt again and again', async (world) => {
    const seed = Math.floor(Math.random() * 1e6);
    world.did(`seed ${String(seed)}`);
    const random = prng(seed);
    const times: number[] = [];
    for (let round = 0; round < 6; round += 1) {
      const mark = await lastEntry(world);
      const hurts = [
        () => call(world, 'DEL', CHANGES_KEY),
        () => call(world, 'XTRIM', CHANGES_KEY, 'MAXLEN', '1'),
        () => call(world, 'XADD', CHANGES_KEY, '*', 'other', 'garbage'),
        () => removeSince(world, mark),
      ];
      const spoil = hurts[Math.floor(random() * hurts.length)];
      times.push(...(await rotate(world, { count: 3, within: IN_A_SWEEP_MS, ...(spoil && { spoil }) })));
    }
    const inALook = times.filter((ms) => ms <= AFTER_A_GAP_MS).length;
    world.did(`${String(inALook)} of ${String(times.length)} within a look`);
    expect(inALook).toBeGreaterThan(times.length / 2);
  }),
];

function scenario(name: string, run: (world: World) => Promise<void>): Scenario {
  const apps = Array.from({ length: SWEPT_APPS }, (_, index) => ({
    name: `app-${String(index)}`,
    grant: 'classic' as const,
  }));
  return {
    name,
    // No rotation falls due meanwhile.
    cluster: { apps, lifeSeconds: 600, refresh: PATIENT },
    asksForAny: true,
    run: async (world) => {
      await loseFeed(world.cluster);
      await run(world);
    },
  };
}

interface Telling {
  /** Who has stored it. */
  readonly by: Replica;
  readonly within: number;
}

/**
 * Has the first replica rotate some apps, and hurts the list at once. Returns after how many milliseconds each of them was
 * served by each other replica; throws when one took longer than it may.
 */
async function rotate(
  world: World,
  {
    count = APPS,
    within,
    spoil,
  }: { readonly count?: number; readonly within: number; readonly spoil?: () => Promise<unknown> },
): Promise<readonly number[]> {
  const by = world.cluster.replica(0);
  const apps = nextApps(world, count);
  await Promise.all(apps.map((app) => force(world, app, by)));
  await spoil?.();
  return served(world, apps, { by, within });
}

async function force({ force: ask }: World, app: ClusterApp, replica: Replica): Promise<void> {
  expect(await ask(app, replica)).toBe(200);
}

/** From now until each other replica serves what the platform issued last. */
async function served(
  { cluster, did }: World,
  apps: readonly ClusterApp[],
  { by, within }: Telling,
): Promise<readonly number[]> {
  const startMs = steadyNow();
  const times = await Promise.all(
    cluster.replicas
      .filter((replica) => replica !== by)
      .map(async (replica) => {
        const waiting = new Map(apps.map((app) => [app, cluster.tokens(app).at(-1)?.token]));
        const found: number[] = [];
        while (waiting.size > 0) {
          for (const [app, token] of waiting) {
            const { body } = await replica.get(`/token?app=${app.name}`);
            if (body.access_token !== token) continue;
            found.push(steadyNow() - startMs);
            waiting.delete(app);
          }
          if (waiting.size > 0 && steadyNow() - startMs > 2 * SWEEP_MS) {
            const names = [...waiting.keys()].map(({ name }) => name).join(', ');
            throw new Error(`${replica.name} does not serve the newest token of ${names}`);
          }
          await sleep(POLL_MS);
        }
        return found;
      }),
  );
  const all = times.flat().toSorted((a, b) => a - b);
  did(`${all.join(', ')} ms, of ${String(within)}`);
  expect(Math.max(...all)).toBeLessThanOrEqual(within);
  return all;
}

/** Nothing but the sweep can have told of all of them. */
function expectSwept(times: readonly number[]): void {
  expect(Math.max(...times)).toBeGreaterThan(IN_A_LOOK_MS);
}

/** Has the first two replicas add their entries after the states from now on, as with a list on another node than the app. */
async function keepEntriesApart(world: World): Promise<void> {
  await setUser(world, 'resetkeys', ...OTHER_KEYS);
  for (const replica of [0, 1]) {
    for (const app of nextApps(world, 1)) await force(world, app, world.cluster.replica(replica));
  }
  await setUser(world, '~tokenbroker:*');
  await sleep(LOOK_MS + GAP_MS);
}

/**
 * Resolves when this replica's next rotation is stored and its entry is lost. The entry of the begin comes first, and has
 * been read by then: the platform takes its time.
 */
async function loseEntryOfCommit({ cluster }: World, { appId }: ClusterApp, by: Replica): Promise<void> {
  cluster.simulator.addFault({ appId, delayBeforeMs: IN_A_LOOK_MS });
  await by.toRedis?.next('reset_before', nth(2, isScript('note')));
}

const rotated = new WeakMap<World, number>();

/** Apps that were not rotated yet: the token before the last one is dead at once. */
function nextApps(world: World, count: number): readonly ClusterApp[] {
  const first = rotated.get(world) ?? 0;
  rotated.set(world, first + count);
  const apps = world.cluster.apps.slice(first, first + count);
  if (apps.length < count) throw new Error(`${String(SWEPT_APPS)} apps are not enough`);
  return apps;
}

function others({ cluster }: World): readonly Replica[] {
  return cluster.replicas.slice(1);
}

/** True for the nth time that this is. */
function nth(n: number, matching: (bytes: Buffer) => boolean): (bytes: Buffer) => boolean {
  let seen = 0;
  return (bytes) => {
    if (matching(bytes)) seen += 1;
    return seen === n;
  };
}

async function call({ cluster }: World, ...words: readonly string[]): Promise<unknown> {
  const [command = '', ...rest] = words;
  return cluster.redis.call(command, ...rest);
}

async function setUser(world: World, ...rules: readonly string[]): Promise<void> {
  await call(world, 'ACL', 'SETUSER', world.cluster.redisUser, ...rules);
}

async function lastEntry(world: World): Promise<string> {
  const entries = (await call(world, 'XREVRANGE', CHANGES_KEY, '+', '-', 'COUNT', '1')) as [string][];
  return entries[0]?.[0] ?? START;
}

/** Removes what came after an entry; the entry itself stays, from which the replicas go on. */
async function removeSince(world: World, id: string): Promise<void> {
  const entries = (await call(world, 'XRANGE', CHANGES_KEY, `(${id}`, '+')) as [string][];
  await call(world, 'XDEL', CHANGES_KEY, ...entries.map(([entry]) => entry));
}
