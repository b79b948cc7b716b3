/**
 * `npm run bench:scale -- [--apps 100,1000,10000,50000] [--seconds 20]`: what apps cost that nobody asks for, on 3 replicas over one
 * Redis that has their tokens. `--rotating`: all tokens live for 2 minutes, so that they are replaced all the time. `--classic`: of the classic
 * grant, of which each app also renews a claim.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cpuSeconds, Measured, median, residentMb } from './measured.ts';
import { ScalePlatform } from './scale-platform.ts';
import { heapBytes, ScaleWorld, type Replica } from './scale-world.ts';

const LIFE_SECONDS = 7200;
const ROTATING_LIFE_SECONDS = 120;
const SETTLE_MS = 10_000;
const SCRAPES = 5;
const ROTATIONS = 20;
const LOAD_SECONDS = 5;
/** 1,600 requests a second at most: what callers of a broker see, and not how much it can do. */
const LOAD = { path: '/token?app=app-*', connections: 16, everyMs: 10 };

const { values } = parseArgs({
  options: {
    apps: { type: 'string', default: '100,1000,10000' },
    seconds: { type: 'string' },
    rotating: { type: 'boolean', default: false },
    classic: { type: 'boolean', default: false },
  },
});
const steps = values.apps.split(',').map(Number);
const seconds = Number(values.seconds ?? (values.rotating ? ROTATING_LIFE_SECONDS : 20));
const grant = values.classic ? 'classic' : 'stable';
assert.ok(
  seconds > 0 && steps.every((apps) => apps > 0),
  '--apps is a list of numbers, and --seconds a number above 0',
);

const folder = mkdtempSync(join(tmpdir(), 'bench-scale-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

/** One line of the table: what was measured at each step, how it is written, and its unit per app. */
interface Line {
  readonly name: string;
  readonly show: (value: number) => string;
  /** Left out: it is not the sum of what the apps cost. */
  readonly perApp?: (value: number) => string;
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
const ms = (value: number) => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ms`;
const LINES = {
  ready: {
    name: 'ready, from a full store',
    show: (value) => `${(value / 1000).toFixed(1)} s`,
    perApp: (value) => `${value.toFixed(2)} ms`,
  },
  cpu: {
    name: 'CPU of an idle replica, of a core',
    show: percent,
    perApp: (value) => `${(value * 100).toFixed(5)} %`,
  },
  commands: {
    name: 'Redis commands of an idle replica',
    show: (value) => `${value.toFixed(1)}/s`,
    perApp: (value) => `${value.toFixed(4)}/s`,
  },
  resident: {
    name: 'resident memory',
    show: (value) => `${value.toFixed(0)} MB`,
    perApp: (value) => `${(value * 1024).toFixed(1)} kB`,
  },
  heap: {
    name: 'living heap',
    show: (value) => `${(value / 2 ** 20).toFixed(0)} MB`,
    perApp: (value) => `${(value / 1024).toFixed(1)} kB`,
  },
  scrape: { name: 'scrape', show: ms, perApp: (value) => `${(value * 1000).toFixed(1)} µs` },
  scrapeBytes: {
    name: 'scrape, bytes',
    show: (value) => `${(value / 1e6).toFixed(2)} MB`,
    perApp: (value) => `${value.toFixed(0)} B`,
  },
  series: { name: 'series', show: (value) => value.toFixed(0), perApp: (value) => value.toFixed(1) },
  p50: { name: '`GET /token`, p50', show: (value) => `${value.toFixed(2)} ms` },
  p99: { name: '`GET /token`, p99', show: (value) => `${value.toFixed(2)} ms` },
  convergence: { name: 'a rotation on all 3 replicas after, median', show: ms },
  slowest: { name: 'the slowest', show: ms },
} satisfies Record<string, Line>;
type Figures = Record<keyof typeof LINES, number>;

/** What all that runs on the machine takes of its cores until the returned function is called: above nine tenths, times are those of a queue for a core. */
function watchCores(): () => number {
  const sum = () => {
    const times = cpus().map((core) => core.times);
    const idle = times.reduce((total, time) => total + time.idle, 0);
    const all = times.flatMap((time) => Object.values(time)).reduce((total, time) => total + time, 0);
    return { idle, all };
  };
  const before = sum();
  return () => {
    const after = sum();
    return 1 - (after.idle - before.idle) / (after.all - before.all);
  };
}

/** Until every replica serves what the platform minted for a forced refresh, in milliseconds. */
async function rotate(world: ScaleWorld, replicas: readonly Replica[], index: number): Promise<number> {
  const app = `app-${index % world.apps}`;
  const [first, ...others] = replicas;
  assert.ok(first);
  const generation = await world.forceRefresh(first, app);
  const startedAt = performance.now();
  await Promise.all(
    others.map(async (replica) => {
      for (;;) {
        const token = JSON.parse(await world.get(replica, `/token?app=${app}`)) as { generation: number };
        if (token.generation >= generation) return;
        await sleep(1);
      }
    }),
  );
  return performance.now() - startedAt;
}

async function scrape(world: ScaleWorld, replica: Replica) {
  const times: number[] = [];
  let text = '';
  for (let at = 0; at < SCRAPES; at += 1) {
    // The one before is kept for a second.
    await sleep(1100);
    const startedAt = performance.now();
    text = await world.get(replica, '/metrics');
    times.push(performance.now() - startedAt);
  }
  const series = text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).length;
  return { ms: median(times), bytes: Buffer.byteLength(text), series };
}

async function load(world: ScaleWorld, replica: Replica, forSeconds: number) {
  const server = { name: 'broker', said: '', stop: () => Promise.resolve(), ...replica };
  const measured = new Measured(server, { ...LOAD, apps: world.apps, apiKey: world.key });
  await measured.slice(1);
  measured.takeRound();
  await measured.slice(forSeconds);
  const round = measured.takeRound();
  measured.stop();
  return round;
}

async function startReplicas(world: ScaleWorld): Promise<[Replica, Replica, Replica]> {
  const first = await world.startReplica();
  return [first, await world.startReplica({ isInspected: true }), await world.startReplica()];
}

async function measure(world: ScaleWorld, platform: ScalePlatform): Promise<Figures> {
  const replicas = await startReplicas(world);
  const [first, inspected] = replicas;
  await platform.quiet(SETTLE_MS);
  const before = cpuSeconds(first.pid);
  const commands = await world.commandsWithin(seconds * 1000);
  const cpu = (cpuSeconds(first.pid) - before) / seconds;
  console.error(`  commands: ${[...commands].map(([name, count]) => `${name} ${count}`).join(', ')}`);
  const resident = residentMb(first);
  const heap = await heapBytes(inspected);
  const busy = watchCores();
  const { p50Ms, p99Ms } = await load(world, first, LOAD_SECONDS);
  console.error(`  cores under load: ${percent(busy())} busy`);
  const delays: number[] = [];
  for (let at = 0; at < ROTATIONS; at += 1) delays.push(await rotate(world, replicas, at));
  const scraped = await scrape(world, first);
  const sent = [...commands.values()].reduce((sum, count) => sum + count, 0);
  return {
    ready: first.readyMs,
    cpu,
    commands: sent / seconds / replicas.length,
    resident,
    heap,
    scrape: scraped.ms,
    scrapeBytes: scraped.bytes,
    series: scraped.series,
    p50: p50Ms,
    p99: p99Ms,
    convergence: median(delays),
    slowest: Math.max(...delays),
  };
}

/** The rows of docs/capacity.md. */
function printTable(all: readonly Figures[]): void {
  const numbers = new Intl.NumberFormat('en-US');
  const [first, last] = [all[0], all.at(-1)];
  const more = (steps.at(-1) ?? 0) - (steps[0] ?? 0);
  const rows = Object.entries(LINES).map(([key, line]: [string, Line]) => {
    const of = (figures: Figures | undefined) => figures?.[key as keyof Figures] ?? NaN;
    const growth = more > 0 ? line.perApp?.((of(last) - of(first)) / more) : undefined;
    return [line.name, ...all.map((figures) => line.show(of(figures))), growth ?? ''];
  });
  const head = ['apps', ...steps.map((apps) => numbers.format(apps)), 'each further app'];
  for (const row of [head, head.map(() => '---'), ...rows]) console.log(`| ${row.join(' | ')} |`);
}

async function measureSteps(): Promise<void> {
  const all: Figures[] = [];
  for (const apps of steps) {
    console.error(`${apps} apps`);
    const platform = new ScalePlatform(LIFE_SECONDS);
    const world = await ScaleWorld.start(apps, { grant, folder, platformUrl: await platform.listen() });
    await world.fill(platform);
    all.push(await measure(world, platform));
    await world.stop();
    platform.close();
  }
  printTable(all);
}

/** Callers of all replicas while tokens are replaced all the time, and what the platform says of each token that they get. */
async function measureRotations(apps: number): Promise<void> {
  const platform = new ScalePlatform(ROTATING_LIFE_SECONDS);
  const world = await ScaleWorld.start(apps, { grant, folder, platformUrl: await platform.listen() });
  await world.fill(platform);
  const replicas = await startReplicas(world);
  await platform.allTried(SETTLE_MS);
  const before = { fetches: platform.fetches, needless: platform.needless };
  let checked = 0;
  let dead = 0;
  let isOver = false;
  const callers = replicas.map(async (replica, at) => {
    for (let index = at; !isOver; index += 7) {
      const token = JSON.parse(await world.get(replica, `/token?app=app-${index % apps}`)) as {
        access_token: string;
      };
      checked += 1;
      if (!platform.isAlive(token.access_token)) dead += 1;
      await sleep(5);
    }
  });
  const cpu = replicas.map(({ pid }) => cpuSeconds(pid));
  const busy = watchCores();
  const rounds = await Promise.all(replicas.map((replica) => load(world, replica, seconds)));
  const busyShare = busy();
  isOver = true;
  await Promise.all(callers);
  const shares = replicas.map(({ pid }, at) => (cpuSeconds(pid) - (cpu[at] ?? 0)) / seconds);
  const fetches = platform.fetches - before.fetches;
  const needless = platform.needless - before.needless;
  const requests = rounds.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  console.log(`${apps} apps whose tokens live for ${ROTATING_LIFE_SECONDS} s, 3 replicas, for ${seconds} s`);
  console.log(`  fetches           ${(fetches / seconds).toFixed(0)} a second`);
  console.log(`  needless          ${needless} (goal: 0)`);
  console.log(`  dead tokens       ${dead} of ${checked} that were tried (goal: 0)`);
  console.log(`  GET /token        ${requests.toFixed(0)} a second over all replicas`);
  console.log(
    `  p50, p99          ${rounds.map(({ p50Ms, p99Ms }) => `${ms(p50Ms)}, ${ms(p99Ms)}`).join('; ')} (goal: p99 under 20 ms)`,
  );
  console.log(`  CPU               ${shares.map(percent).join('; ')} of a core`);
  console.log(
    `  the machine       ${cpus().length} cores, ${percent(busyShare)} busy: on them 3 replicas, Redis, 3 loads, the platform and the callers (this process)`,
  );
  await world.stop();
  platform.close();
}

if (values.rotating) for (const apps of steps) await measureRotations(apps);
else await measureSteps();
process.exit(0);
