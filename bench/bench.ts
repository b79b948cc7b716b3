/** `npm run bench -- [--seconds 3] [--rounds 5] [--runs 1] [--minute] [--json]`. docs/benchmarks.md says how to read what it prints. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { NPM_START, ROOT } from './npm-start.ts';

const CONNECTIONS = 64;
const WARM_UP_SECONDS = 5;
/** A round of each server is cut into so many, which alternate: what slows the machine down for a second hits all servers. */
const SLICES = 6;
const COLD_STARTS = 5;
const PATH = '/token?app=default';
const SERVER_CORE = 0;
const LOAD_CORE = 1;
/** The unit of CPU time in /proc/<pid>/stat; 100 on every Linux. */
const TICKS_PER_SECOND = 100;

const API_KEY = `tbk_${randomBytes(32).toString('base64url')}`;
const APP = { BROKER_APP_ID: 'wx0123456789abcdef', BROKER_APP_SECRET: randomBytes(16).toString('hex') };

interface Server {
  readonly name: string;
  readonly url: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** What load.ts prints. */
interface Slice {
  readonly requests: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the load itself. */
  readonly cpuMs: number;
}

interface Round {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the load over elapsed time; near 1 it, and not the server, is measured. */
  readonly loadCpuShare: number;
  /** CPU time that the server spent, user and system. */
  readonly cpuUsPerRequest: number;
  /** CPU time of the server over elapsed time; far below 1 something else had its core. */
  readonly serverCpuShare: number;
}

/** The bare servers get them too. */
const NODE_OPTIONS = NPM_START.slice(0, -1);

const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

function pinned(core: number, command: readonly string[]): readonly string[] {
  return canPin ? ['taskset', '-c', String(core), ...command] : command;
}

const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** Runs a command, in production mode and with no other environment than this. */
function launch([file = '', ...args]: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

/** Resolves when it says where it listens. */
async function start(name: string, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Server> {
  const child = launch(command, env);
  const ended = once(child, 'exit');
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /listening.*?(http:\/\/[\d.]+:\d+)/.exec(line) ?? [];
    if (url === undefined || child.pid === undefined) continue;
    child.stdout.resume();
    const stop = async () => {
      child.kill('SIGTERM');
      await ended;
    };
    return { name, url, pid: child.pid, stop };
  }
  throw new Error(`${name} ended before it listened`);
}

const startPlatform = () =>
  start('simulator', [
    ...[
      ...pinned(LOAD_CORE, [process.execPath]),
      'dist/cli.js',
      'simulate',
      '--port',
      '0',
      '--day-quota',
      '1000000',
    ],
    ...['--app-id', APP.BROKER_APP_ID, '--app-secret', APP.BROKER_APP_SECRET],
  ]);

const startBroker = (platform: Server, command: readonly string[]) =>
  start('broker', [...command, ...NPM_START], {
    ...APP,
    BROKER_API_KEY: API_KEY,
    WECHAT_API_BASE_URL: platform.url,
    HOST: '127.0.0.1',
    PORT: '0',
  });

/** The broker, and the bare servers that give the same answer. */
async function startServers(platform: Server): Promise<readonly [Server, Server, Server]> {
  const node = pinned(SERVER_CORE, [process.execPath]);
  const broker = await startBroker(platform, node);
  const env = { BODY: (await answerOf(broker)).body };
  const nodeHttp = await start('node:http', [...node, ...NODE_OPTIONS, 'bench/node-http.server.ts'], env);
  const fastify = await start('Fastify', [...node, ...NODE_OPTIONS, 'bench/fastify.server.ts'], env);
  const expected = await answerOf(broker);
  for (const server of [nodeHttp, fastify]) {
    const answer = await answerOf(server);
    assert.deepEqual(answer.headers, expected.headers, `${server.name} sends other headers than the broker`);
    assert.equal(
      answer.body.length,
      expected.body.length,
      `${server.name} sends another body than the broker`,
    );
  }
  return [nodeHttp, fastify, broker];
}

async function answerOf({ name, url }: Server) {
  const response = await fetch(url + PATH, { headers: { authorization: `Bearer ${API_KEY}` } });
  assert.equal(response.status, 200, `${name} answers ${response.status}`);
  const headers = [...response.headers].filter(([header]) => header !== 'date');
  return { headers, body: await response.text() };
}

/** A server with its load, whose connections stay open between the slices. */
class Measured {
  private readonly lines: AsyncIterator<string>;
  private readonly load: ReturnType<typeof launch>;
  private slices: Slice[] = [];
  private cpuBefore = 0;
  readonly server: Server;

  constructor(server: Server) {
    this.server = server;
    const script = join(import.meta.dirname, 'load.ts');
    const command = [process.execPath, script, server.url + PATH, String(CONNECTIONS)];
    this.load = launch(pinned(LOAD_CORE, command), { API_KEY });
    this.lines = createInterface({ input: this.load.stdout })[Symbol.asyncIterator]();
  }

  async slice(seconds: number): Promise<void> {
    this.load.stdin.write(`${seconds * 1000}\n`);
    const line = await this.lines.next();
    assert.ok(line.done !== true, `the load of ${this.server.name} ended`);
    this.slices.push(JSON.parse(line.value) as Slice);
  }

  /** What its slices since the last call come to. */
  takeRound(): Round {
    const { slices, cpuBefore } = this;
    this.slices = [];
    this.cpuBefore = cpuSeconds(this.server.pid);
    const sum = (field: keyof Slice) => slices.reduce((total, slice) => total + slice[field], 0);
    const requests = sum('requests');
    const elapsedMs = sum('elapsedMs');
    const spentMs = (this.cpuBefore - cpuBefore) * 1000;
    return {
      requestsPerSecond: (requests / elapsedMs) * 1000,
      p50Ms: median(slices.map(({ p50Ms }) => p50Ms)),
      p99Ms: median(slices.map(({ p99Ms }) => p99Ms)),
      loadCpuShare: sum('cpuMs') / elapsedMs,
      cpuUsPerRequest: (spentMs / requests) * 1000,
      serverCpuShare: spentMs / elapsedMs,
    };
  }

  stop(): void {
    this.load.kill('SIGKILL');
  }
}

/** NaN where there is no /proc. */
function cpuSeconds(pid: number): number {
  const fields = procFile(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function residentMb({ pid }: Server): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(procFile(pid, 'status'))?.[1]) / 1024;
}

function procFile(pid: number, name: string): string {
  const file = `/proc/${pid}/${name}`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** Milliseconds from the start of the process to the first token in a caller's hand. */
async function coldStartMs(platform: Server, node: string): Promise<number> {
  const runs: number[] = [];
  for (let run = 0; run < COLD_STARTS; run += 1) {
    const startedAt = performance.now();
    const broker = await startBroker(platform, [node]);
    await answerOf(broker);
    runs.push(performance.now() - startedAt);
    await broker.stop();
  }
  return median(runs);
}

/** The Node that runs this, which is the image's under npm, and the machine's own if that is another. */
function runtimes(): string[] {
  const onPath = (process.env.PATH ?? '').split(delimiter).map((directory) => join(directory, 'node'));
  const own = onPath.filter((file) => !file.includes('node_modules') && existsSync(file)).slice(0, 1);
  return [...new Set([process.execPath, ...own].map((file) => realpathSync(file)))];
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    runs: { type: 'string', default: '1' },
    minute: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
const runs = Number(options.runs);
assert.ok(seconds > 0 && rounds >= 1 && runs >= 1, '--seconds, --rounds and --runs must be numbers above 0');

function note(line: string): void {
  if (!options.json) console.log(line);
}

/** Slices of all servers, there and back, so that none is always the first after another one. */
async function alternate(measured: readonly Measured[], secondsEach: number): Promise<void> {
  for (let slice = 0; slice < SLICES; slice += 1) {
    const order = slice % 2 === 0 ? measured : measured.toReversed();
    for (const one of order) await one.slice(secondsEach / SLICES);
  }
}

async function compare(servers: readonly Server[]) {
  const loads = servers.map((server) => new Measured(server));
  await alternate(loads, WARM_UP_SECONDS);
  for (const load of loads) load.takeRound();
  const measured = loads.map(({ server }) => ({ server, rounds: [] as Round[] }));
  for (let round = 0; round < rounds; round += 1) {
    await alternate(loads, seconds);
    for (const [at, load] of loads.entries()) measured[at]?.rounds.push(load.takeRound());
  }
  for (const load of loads) load.stop();
  const yardstick = measured[0]?.rounds ?? [];
  return measured.map(({ server, rounds }) => {
    const of = (field: keyof Round) => median(rounds.map((round) => round[field]));
    const ratioTo = (field: 'requestsPerSecond' | 'cpuUsPerRequest') =>
      median(rounds.map((round, i) => round[field] / (yardstick[i]?.[field] ?? NaN)));
    return {
      server: server.name,
      requestsPerSecond: Math.round(of('requestsPerSecond')),
      ofNodeHttp: ratioTo('requestsPerSecond'),
      cpuUsPerRequest: of('cpuUsPerRequest'),
      cpuOfNodeHttp: 1 / ratioTo('cpuUsPerRequest'),
      p50Ms: of('p50Ms'),
      p99Ms: of('p99Ms'),
      residentMb: residentMb(server),
      loadCpuShare: of('loadCpuShare'),
      serverCpuShare: of('serverCpuShare'),
    };
  });
}

type Result = Awaited<ReturnType<typeof compare>>[number];

function table(results: readonly Result[]): string[] {
  const rows = results.map((result) => [
    result.server,
    String(result.requestsPerSecond),
    result.ofNodeHttp.toFixed(2),
    `${result.cpuUsPerRequest.toFixed(1)} µs`,
    result.cpuOfNodeHttp.toFixed(2),
    `${result.p50Ms.toFixed(2)} ms`,
    `${result.p99Ms.toFixed(2)} ms`,
    `${result.residentMb.toFixed(0)} MB`,
  ]);
  const head = ['', 'requests/s', 'ratio', 'CPU/request', 'ratio', 'p50', 'p99', 'resident'];
  return [head, ...rows].map((row) =>
    row.map((cell, column) => (column === 0 ? cell.padEnd(10) : cell.padStart(12))).join(''),
  );
}

/** What speaks against these numbers. */
function doubts(results: readonly Result[]): string[] {
  const percent = (share: number) => `${(share * 100).toFixed(0)} %`;
  const load = Math.max(...results.map(({ loadCpuShare }) => loadCpuShare));
  const server = Math.min(...results.map(({ serverCpuShare }) => serverCpuShare));
  return [
    ...(load > 0.9 ? [`The load took ${percent(load)} of its core: it was measured as well.`] : []),
    ...(server < 0.9
      ? [`A server got only ${percent(server)} of its core: the machine is busy, try again when it is not.`]
      : []),
  ];
}

/** One comparison with servers of its own, whose compiled code and memory are as they happen to be in these processes. */
async function run(platform: Server, { isLast }: { readonly isLast: boolean }) {
  const servers = await startServers(platform);
  try {
    const results = await compare(servers);
    for (const line of table(results)) note(line);
    note('');
    for (const line of doubts(results)) note(line);
    if (!isLast || !options.minute) return { results };
    const [, , broker] = servers;
    const load = new Measured(broker);
    await load.slice(60);
    load.stop();
    const minuteResidentMb = residentMb(broker);
    note(`Resident memory of the broker after a minute of load: ${minuteResidentMb.toFixed(0)} MB`);
    return { results, minuteResidentMb };
  } finally {
    await Promise.all(servers.map(({ stop }) => stop()));
  }
}

const machine = `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
note(`GET ${PATH}, ${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s, Node ${process.version}`);
note(
  canPin
    ? `${machine}; server on core ${SERVER_CORE}, load on core ${LOAD_CORE}\n`
    : `${machine}; without taskset: server and load share the cores, trust the CPU columns only\n`,
);
const platform = await startPlatform();
try {
  const done: Awaited<ReturnType<typeof run>>[] = [];
  for (let at = 1; at <= runs; at += 1) done.push(await run(platform, { isLast: at === runs }));
  const ratios = done.map(({ results }) => results.at(-1)?.ofNodeHttp ?? NaN);
  if (runs > 1) {
    note(
      `The broker's ratio, median of ${rounds} rounds, in each run: ${ratios.map((ratio) => ratio.toFixed(2)).join(', ')}`,
    );
  }

  const coldStarts: { node: string; ms: number }[] = [];
  for (const node of runtimes()) {
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    const ms = await coldStartMs(platform, node);
    coldStarts.push({ node: version, ms });
    note(
      `Cold start to the first token, Node ${version}: ${(ms / 1000).toFixed(2)} s (median of ${COLD_STARTS})`,
    );
  }
  if (options.json) {
    const { results, minuteResidentMb } = done.at(-1) ?? {};
    console.log(
      JSON.stringify({
        machine,
        node: process.version,
        canPin,
        results,
        ratios,
        minuteResidentMb,
        coldStarts,
      }),
    );
  }
} finally {
  await platform.stop();
}
