/**
 * `npm run live-changes -- [--changes 500] [--rate 2000] [--seed <number>]`: random changes of the configuration, one after the
 * other, of two replicas over Redis that answer so many requests a second meanwhile. Fails when a change is not in force within
 * 2 s, a caller is refused that it does not concern, a token is fetched that was there, memory grows, or it were fewer requests.
 */
import { WechatSimulator } from '@access-token-broker/simulator';
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  ChangingConfig,
  inForce,
  IN_FORCE_WITHIN_MS,
  MountedConfig,
} from '../test/support/changing-config.ts';
import { prng } from '../test/nemesis/prng.ts';
import { freePort } from './free-port.ts';
import { Measured, median, residentMb, start, type Round, type Server } from './measured.ts';
import { NPM_START } from './npm-start.ts';

const CONNECTIONS = 16;
const SLICE_SECONDS = 2;
/**
 * Of resident memory, from the second fifth of the changes to the last one, in the median of each. A process under load reaches its
 * size within the first two minutes; after that it goes up and down by 10 MB.
 */
const MAX_GROWTH_MB = 15;
/** Of the rate that was asked for, in the median of slices: a machine that stands still for a second is not what is measured. */
const MIN_SHARE = 0.98;

const { values } = parseArgs({
  options: {
    changes: { type: 'string', default: '500' },
    rate: { type: 'string', default: '2000' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const [changes, rate, seed] = [values.changes, values.rate, values.seed].map(Number);
assert.ok(changes && rate && seed, '--changes, --rate and --seed must be numbers above 0');

async function startRedis(folder: string) {
  const port = await freePort();
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--dir', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  process.once('exit', () => child.kill('SIGKILL'));
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Ready to accept connections')) break;
  }
  child.stdout.resume();
  return `redis://127.0.0.1:${port}/0`;
}

const folder = mkdtempSync(join(tmpdir(), 'live-changes-'));
const mounted = new MountedConfig();
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
  mounted.remove();
});

const config = new ChangingConfig(prng(seed), {
  redis: { url: await startRedis(folder) },
  encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
});
const platform = new WechatSimulator({ apps: config.accounts });
await platform.start();
mounted.write(config.text(platform.url));

async function startReplica(name: string): Promise<Server> {
  const env = { BROKER_CONFIG: mounted.path, HOST: '127.0.0.1', PORT: '0' };
  const server = await start(name, [process.execPath, ...NPM_START], env);
  while ((await fetch(`${server.url}/health/ready`)).status !== 200);
  return server;
}
const replicas = [await startReplica('a'), await startReplica('b')];

let isOver = false;
const rounds: Round[] = [];
/** Of both replicas, as one of `rounds` is of one. */
const perSecondOf = (asks: readonly Round[]) =>
  (replicas.length * asks.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0)) / asks.length;
/** Ends the program when an answer is none to measure. */
const loads = replicas.map(async (server) => {
  const path = '/token?app=base-0';
  const everyMs = (CONNECTIONS / (rate / replicas.length)) * 1000;
  const load = new Measured(server, { path, apiKey: config.steadyKey, connections: CONNECTIONS, everyMs });
  while (!isOver) {
    await load.slice(SLICE_SECONDS);
    const round = load.takeRound();
    assert.equal(round.refusedPerSecond, 0, 'an unaffected caller was refused');
    rounds.push(round);
  }
  load.stop();
});

const fetchesOf = (appId: string) => platform.calls(appId).fetches;
const memory = () => replicas.map((server) => Math.round(residentMb(server)));
const tookMs: number[] = [];
let told = 0;
/** Of each replica, once for each twentieth of the changes. */
const sizesMb: readonly number[][] = replicas.map(() => []);
console.log(
  `${changes} changes, ${rate} requests a second over 2 replicas, seed ${seed}, Node ${process.version}`,
);
const startedAt = performance.now();
for (let change = 1; change <= changes; change += 1) {
  const what = config.change();
  const text = config.text(platform.url);
  mounted.write(text);
  try {
    tookMs.push(await inForce(text, config, replicas));
  } catch (error) {
    throw new Error(`change ${change}, ${what}; again with --seed ${seed}`, { cause: error });
  }
  for (const { name, appId } of config.accounts) {
    assert.ok(fetchesOf(appId) <= 1, `${name} was fetched again, after change ${change}, ${what}`);
  }
  if (change % Math.ceil(changes / 20) === 0) {
    for (const [index, mb] of memory().entries()) sizesMb[index]?.push(mb);
  }
  if (change % Math.ceil(changes / 10) === 0 && rounds.length > told) {
    const asks = rounds.slice(told);
    told = rounds.length;
    const p99 = median(asks.map(({ p99Ms }) => p99Ms));
    console.log(
      `${String(change).padStart(4)}: in force after ${median(tookMs).toFixed(0)} ms, at most ${Math.max(...tookMs).toFixed(0)}; ${perSecondOf(asks).toFixed(0)} requests/s, p99 ${p99.toFixed(1)} ms; ${memory().join(' and ')} MB`,
    );
  }
}
isOver = true;
await Promise.all(loads);
const fetches = config.accounts.map(({ appId }) => fetchesOf(appId));
const fifth = (from: number) =>
  sizesMb.map((all) => median(all.slice(from * all.length, (from + 0.2) * all.length)));
const [early, late] = [fifth(0.2), fifth(0.8)];
const perSecond = perSecondOf(rounds);
console.log(
  `${changes} changes in ${((performance.now() - startedAt) / 1000).toFixed(0)} s: each in force within ${IN_FORCE_WITHIN_MS} ms, ${perSecond.toFixed(0)} requests/s, no unaffected request refused, fetches by app ${fetches.join(' ')}, memory ${early.join(' and ')} -> ${late.join(' and ')} MB`,
);
const growth = Math.max(...late.map((mb, index) => mb - (early[index] ?? mb)));
assert.ok(growth <= MAX_GROWTH_MB, `memory grew by ${growth} MB`);
const usual = replicas.length * median(rounds.map(({ requestsPerSecond }) => requestsPerSecond));
assert.ok(usual >= rate * MIN_SHARE, `only ${usual.toFixed(0)} requests a second in the median of slices`);
await Promise.all(replicas.map(({ stop }) => stop()));
await platform.stop();
process.exit(0);
