/** Servers as processes of their own, each with its load, and what a round of them comes to. */
import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NPM_START, ROOT } from './npm-start.ts';

export const CONNECTIONS = 64;
export const WARM_UP_SECONDS = 5;
/** A round of each server is cut into so many, which alternate: what slows the machine down for a second hits all servers. */
const SLICES = 6;
export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
/** The unit of CPU time in /proc/<pid>/stat; 100 on every Linux. */
const TICKS_PER_SECOND = 100;

export interface Server {
  readonly name: string;
  readonly url: string;
  /** The line that says where it listens. */
  readonly said: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

/** What load.ts prints. */
interface Slice {
  readonly requests: number;
  /** Answers with 401 or 429. */
  readonly refused: number;
  readonly elapsedMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time of the load itself. */
  readonly cpuMs: number;
}

export interface Round {
  readonly requestsPerSecond: number;
  readonly refusedPerSecond: number;
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
export const NODE_OPTIONS = NPM_START.slice(0, -1);

export const canPin = availableParallelism() > 1 && spawnSync('taskset', ['-c', '0', 'true']).status === 0;

/** Whether a process can be told to run only while its core has nothing else to do. */
export const canYield = spawnSync('chrt', ['--idle', '0', 'true']).status === 0;

export function pinned(core: number, command: readonly string[]): readonly string[] {
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
export async function start(
  name: string,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Server> {
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
    return { name, url, said: line, pid: child.pid, stop };
  }
  throw new Error(`${name} ended before it listened`);
}

/** What the load asks for. */
interface Load {
  readonly path: string;
  readonly apiKey: string;
  /** From one request of a connection to its next; left out: the next goes when the answer is there. */
  readonly everyMs?: number;
  /** Its process runs only while no other load wants the core, so that what those measure is not the wait for it. */
  readonly yields?: boolean;
  /** `*` in the path stands for 0 to this less 1, in turn. */
  readonly apps?: number;
  readonly connections?: number;
}

/** A server with its load, whose connections stay open between the slices. */
export class Measured {
  private readonly lines: AsyncIterator<string>;
  private readonly load: ReturnType<typeof launch>;
  private slices: Slice[] = [];
  private cpuBefore = 0;
  readonly server: Server;

  constructor(
    server: Server,
    { path, apiKey, everyMs = 0, apps = 1, connections = CONNECTIONS, yields = false }: Load,
  ) {
    this.server = server;
    const script = join(import.meta.dirname, 'load.ts');
    const numbers = [connections, everyMs, apps].map(String);
    const idle = yields && canYield ? ['chrt', '--idle', '0'] : [];
    const command = [...idle, process.execPath, script, server.url + path, ...numbers];
    this.load = launch(pinned(LOAD_CORE, command), { API_KEY: apiKey });
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
      refusedPerSecond: (sum('refused') / elapsedMs) * 1000,
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
export function cpuSeconds(pid: number): number {
  const fields = procFile(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

export function residentMb({ pid }: Pick<Server, 'pid'>): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(procFile(pid, 'status'))?.[1]) / 1024;
}

function procFile(pid: number, name: string): string {
  const file = `/proc/${pid}/${name}`;
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

/** Slices of all servers, there and back, so that none is always the first after another one. */
export async function alternate(measured: readonly Measured[], secondsEach: number): Promise<void> {
  for (let slice = 0; slice < SLICES; slice += 1) {
    const order = slice % 2 === 0 ? measured : measured.toReversed();
    for (const one of order) await one.slice(secondsEach / SLICES);
  }
}

/** What speaks against these numbers. */
export function caveats(results: readonly Pick<Round, 'loadCpuShare' | 'serverCpuShare'>[]): string[] {
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
