/** `npm run bench:scale -- [--apps 1000] [--seconds 20]`: what one idle replica with many apps costs, and whether callers change that. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { NPM_START } from './npm-start.ts';

const RECONCILE_SECONDS = 5;
/** The unit of CPU time in /proc/<pid>/stat; 100 on every Linux. */
const TICKS_PER_SECOND = 100;
const CALLERS = 20;

const { values } = parseArgs({
  options: {
    apps: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
  },
});
const apps = Number(values.apps);
const seconds = Number(values.seconds);

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'bench-scale-'));
const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function launch(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(file, args, {
    cwd: root,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

async function urlOf(child: ReturnType<typeof launch>): Promise<string> {
  for await (const line of createInterface({ input: child.stdout })) {
    const [, url] = /listening.*?(http:\/\/[\d.]+:\d+)/.exec(line) ?? [];
    if (url === undefined) continue;
    child.stdout.resume();
    return url;
  }
  throw new Error('ended before it listened');
}

async function startRedis(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  const redis = launch('redis-server', ['--port', String(port), '--save', '', '--dir', folder]);
  for await (const line of createInterface({ input: redis.stdout })) {
    if (!line.includes('Ready to accept connections')) continue;
    redis.stdout.resume();
    return port;
  }
  throw new Error('redis-server ended: is it installed? apt-get install -y redis-server');
}

/** Scripts that Redis has run so far: each is one command of a broker. */
async function scriptsRun(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.end('INFO commandstats\r\nQUIT\r\n');
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const stats = Buffer.concat(chunks).toString();
  const calls = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, count]) => Number(count));
  return calls.reduce((sum, count) => sum + count, 0);
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function sample(pid: number, redisPort: number): Promise<{ cpuShare: number; commands: number }> {
  const before = { cpu: cpuSeconds(pid), scripts: await scriptsRun(redisPort) };
  await sleep(seconds * 1000);
  return {
    cpuShare: (cpuSeconds(pid) - before.cpu) / seconds,
    commands: (await scriptsRun(redisPort)) - before.scripts,
  };
}

const key = `tbk_${randomBytes(32).toString('base64url')}`;
const headers = { authorization: `Bearer ${key}` };
const redisPort = await startRedis();
const platform = await urlOf(
  launch(process.execPath, ['dist/cli.js', 'simulate', '--port', '0', '--host', '0.0.0.0']),
);
const config = {
  redis: { url: `redis://127.0.0.1:${redisPort}/0` },
  encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
  apps: Array.from({ length: apps }, (_, index) => ({
    name: `app-${index}`,
    appId: 'wx5131a70b6f1e9a2d',
    appSecret: '4f1c0d9e7ab36258c1e09d47fb83a625',
    // The simulator knows one account: a host each, or all would be the same.
    apiBaseUrl: `http://127.1.${index >> 8}.${index & 255}:${new URL(platform).port}`,
    refresh: { reconcileSeconds: RECONCILE_SECONDS },
  })),
  clients: [
    {
      name: 'bench',
      keySha256: [createHash('sha256').update(key).digest('hex')],
      apps: '*',
      scopes: ['token:read'],
    },
  ],
};
const file = join(folder, 'broker.json');
writeFileSync(file, JSON.stringify(config));
const broker = launch(process.execPath, NPM_START, {
  BROKER_CONFIG: file,
  HOST: '127.0.0.1',
  PORT: '0',
});
const startedAt = performance.now();
const url = await urlOf(broker);
const pid = broker.pid;
assert.ok(pid !== undefined);
while ((await fetch(`${url}/health/ready`)).status !== 200) await sleep(50);
const readyMs = performance.now() - startedAt;
await sleep(RECONCILE_SECONDS * 1000);

const idle = await sample(pid, redisPort);
let calls = 0;
let isCalling = true;
const callers = Array.from({ length: CALLERS }, async (_, caller) => {
  for (let index = caller; isCalling; index += CALLERS) {
    const answer = await fetch(`${url}/token?app=app-${index % apps}`, { headers });
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
    calls += 1;
    await sleep(10);
  }
});
const busy = await sample(pid, redisPort);
isCalling = false;
await Promise.all(callers);

const perInterval = (commands: number): string =>
  (commands / apps / (seconds / RECONCILE_SECONDS)).toFixed(2);
const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
console.log(
  `${apps} apps on one replica over Redis, reconcileSeconds ${RECONCILE_SECONDS}, Node ${process.version}`,
);
console.log(`  all have a token after    ${(readyMs / 1000).toFixed(1)} s`);
console.log(`  CPU, idle                 ${percent(idle.cpuShare)} of a core (goal: under 10 %)`);
console.log(
  `  Redis commands, idle      ${perInterval(idle.commands)} per app and reconcile interval (goal: at most 1)`,
);
console.log(
  `  with ${Math.round(calls / seconds)} GET /token a second  ${perInterval(busy.commands)} per app and reconcile interval`,
);
process.exit(0);
