/** `npm run bench:streams -- [--streams 1000] [--rotations 20]`: what an open event stream costs one replica, and how soon all have a new token. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NPM_START } from './npm-start.ts';

const WARM_UP_REQUESTS = 5000;
const WARM_UP_STREAMS = 100;
const SETTLE_MS = 5000;
/** The unit of CPU time in /proc/<pid>/stat; 100 on every Linux. */
const TICKS_PER_SECOND = 100;

const { values } = parseArgs({
  options: {
    streams: { type: 'string', default: '1000' },
    rotations: { type: 'string', default: '20' },
  },
});
const streams = Number(values.streams);
const rotations = Number(values.rotations);

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'bench-streams-'));
const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function launch(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return { child, lines: createInterface({ input: child.stdout }) };
}

async function urlOf(lines: Interface): Promise<string> {
  for (;;) {
    const [line] = (await once(lines, 'line')) as [string];
    const [, url] = /listening.*?(http:\/\/[\d.]+:\d+)/.exec(line) ?? [];
    if (url !== undefined) return url;
  }
}

/** Resident memory, without what the kernel keeps for sockets. */
function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const epochMs = (): number => performance.timeOrigin + performance.now();

const key = `tbk_${randomBytes(32).toString('base64url')}`;
const app = { appId: 'wx5131a70b6f1e9a2d', appSecret: '4f1c0d9e7ab36258c1e09d47fb83a625' };
const platform = launch(['dist/cli.js', 'simulate', '--port', '0', '--day-quota', '1000000']);
const file = join(folder, 'config.json');
writeFileSync(
  file,
  JSON.stringify({
    server: { port: 0, host: '127.0.0.1' },
    apps: [
      {
        name: 'shop',
        grant: 'classic',
        ...app,
        apiBaseUrl: await urlOf(platform.lines),
        refresh: { dailyBudget: 10_000, forcedDailyBudget: 10_000 },
      },
    ],
    limits: { streamsPerClient: 1_000_000, connections: 100_000, connectionsPerAddress: 100_000 },
    clients: [
      {
        name: 'bench',
        keySha256: [createHash('sha256').update(key).digest('hex')],
        apps: '*',
        scopes: ['token:read', 'token:refresh', 'token:admin'],
      },
    ],
  }),
);
const broker = launch(NPM_START, { BROKER_CONFIG: file });
const url = await urlOf(broker.lines);
const { pid } = broker.child;
assert.ok(pid !== undefined);

/** When the broker said that it had stored each generation. */
const committedAtMs = new Map<string, number>();
broker.lines.on('line', (line) => {
  const { event, generation, time } = JSON.parse(line) as Record<string, string>;
  if (event === 'token.rotated') committedAtMs.set(String(generation), Date.parse(time ?? ''));
});

let opened = 0;
/** When each generation arrived, once for each stream. */
const arrivedAtMs = new Map<string, number[]>();
const { hostname, port } = new URL(url);
const request = `GET /token/events?app=shop HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${key}\r\n\r\n`;

function openStream(): Socket {
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(request);
  socket.on('data', (chunk) => {
    const atMs = epochMs();
    for (const [, id = ''] of chunk.toString('latin1').matchAll(/^id: (\d+)$/gm)) {
      const arrivals = arrivedAtMs.get(id) ?? [];
      arrivedAtMs.set(id, arrivals);
      arrivals.push(atMs);
    }
  });
  socket.on('close', () => {
    throw new Error('a stream ended');
  });
  return socket;
}

async function openStreams(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    openStream();
    if (i % 50 === 0) await sleep(5);
  }
  opened += count;
}

/** Resolves when every stream has it. */
async function arrived(generation: string): Promise<readonly number[]> {
  for (let waitedMs = 0; waitedMs < 10_000; waitedMs += 10) {
    const arrivals = arrivedAtMs.get(generation) ?? [];
    if (arrivals.length === opened) return arrivals;
    await sleep(10);
  }
  throw new Error(`only ${arrivedAtMs.get(generation)?.length ?? 0} of ${opened} streams got the token`);
}

async function ask(path: string, body?: object): Promise<string> {
  const response = await fetch(url + path, {
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  assert.equal(response.status, 200);
  return String(((await response.json()) as { generation: number }).generation);
}

const percentile = (sorted: readonly number[], share: number): string =>
  `${(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(1)} ms`;

/** Replaces the token; returns how long after the broker's commit each stream had the new one. */
async function rotate(): Promise<number[]> {
  const generation = await ask('/token/refresh', { app: 'shop', force: true });
  const arrivals = await arrived(generation);
  const atMs = committedAtMs.get(generation);
  assert.ok(atMs !== undefined, 'the broker did not log the rotation');
  return arrivals.map((arrival) => arrival - atMs);
}

const first = await ask('/token');
for (let i = 0; i < WARM_UP_REQUESTS; i += 1) await ask('/token');
await openStreams(WARM_UP_STREAMS);
await arrived(first);
for (let i = 0; i < rotations; i += 1) await rotate();
await sleep(SETTLE_MS);
const fewKb = residentKb(pid);
await openStreams(streams);
await arrived(await ask('/token'));
await sleep(SETTLE_MS);
const manyKb = residentKb(pid);

const delaysMs: number[] = [];
const cpuBefore = cpuSeconds(pid);
for (let i = 0; i < rotations; i += 1) delaysMs.push(...(await rotate()));
const cpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
await sleep(SETTLE_MS);
const busyKb = residentKb(pid);
delaysMs.sort((a, b) => a - b);

const perStream = (kb: number): string => ((kb - fewKb) / streams).toFixed(1);
console.log(`${opened} event streams on one replica, ${rotations} rotations, Node ${process.version}`);
console.log(`  resident with ${WARM_UP_STREAMS} streams ${(fewKb / 1024).toFixed(0)} MB`);
console.log(`  for each further stream   ${perStream(manyKb)} kB (goal: under 20)`);
console.log(`  after the rotations       ${perStream(busyKb)} kB`);
console.log(`  CPU for each event        ${((cpuMs / delaysMs.length) * 1000).toFixed(0)} µs`);
console.log(
  `  from commit to the reader ${percentile(delaysMs, 0.5)} p50, ${percentile(delaysMs, 0.99)} p99 (goal: under 100 ms), ${percentile(delaysMs, 1)} at most`,
);
process.exit(0);
