/** `npm run bench:gateway -- [--seconds 3] [--rounds 5]`. docs/benchmarks.md says how to read what it prints. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { freePort } from './free-port.ts';
import { API_KEY, startGatewayWorld, type GatewayWorld } from './gateway-world.ts';
import {
  alternate,
  canPin,
  CONNECTIONS,
  caveats,
  Measured,
  median,
  NODE_OPTIONS,
  pinned,
  residentMb,
  SERVER_CORE,
  start,
  WARM_UP_SECONDS,
  type Round,
  type Server,
} from './measured.ts';

const CALL = '/cgi-bin/user/info?openid=o6_bmjrPTlm6_2sgVt7hMZOPfL2M';
/** Some 2,000 calls a second from 64 connections: what a call takes, and not how long the line is. */
const PAUSE_MS = 30;
const FRESH_CALLERS = 4;

const { values: options } = parseArgs({
  options: { seconds: { type: 'string', default: '3' }, rounds: { type: 'string', default: '5' } },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
assert.ok(seconds > 0 && rounds >= 1, '--seconds and --rounds must be numbers above 0');

/** Undefined where it is not installed. */
async function startNginx({ folder, platform }: GatewayWorld): Promise<Server | undefined> {
  if (spawnSync('nginx', ['-v']).status !== 0) return undefined;
  const port = await freePort();
  mkdirSync(join(folder, 'nginx'));
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  const paths = temp.map((name) => `${name}_temp_path ${folder}/nginx/${name};`).join(' ');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx/pid; error_log stderr;
events { worker_connections 1024; }
http {
  access_log off; ${paths} keepalive_requests 1000000000;
  upstream platform { server ${new URL(platform.url).host}; keepalive 128; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://platform$uri$is_args$args&access_token=83_t;
      proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Authorization "";
      add_header x-request-id $request_id; add_header x-token-generation 1;
    }
  }
}
`,
  );
  const config = join(folder, 'nginx.conf');
  const command = pinned(SERVER_CORE, ['nginx', '-e', 'stderr', '-p', folder, '-c', config]);
  // nginx says nothing once it listens.
  const say = `echo listening on http://127.0.0.1:${port}; exec "$@"`;
  const server = await start('nginx', ['sh', '-c', say, 'sh', ...command]);
  for (let tries = 0; tries < 100; tries += 1) {
    if (await fetch(server.url + CALL).catch(() => undefined)) return server;
    await sleep(50);
  }
  throw new Error('nginx does not answer');
}

interface Row {
  readonly server: Server;
  readonly path: string;
}

const loadsOf = (rows: readonly Row[], everyMs: number) =>
  rows.map(({ server, path }) => new Measured(server, { path, apiKey: API_KEY, everyMs }));

async function compare(rows: readonly Row[], everyMs: number): Promise<(readonly Round[])[]> {
  const loads = loadsOf(rows, everyMs);
  await alternate(loads, WARM_UP_SECONDS);
  for (const load of loads) load.takeRound();
  const taken: Round[][] = loads.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    await alternate(loads, seconds);
    for (const [at, load] of loads.entries()) taken[at]?.push(load.takeRound());
  }
  for (const load of loads) load.stop();
  return taken;
}

/** The median over all rounds of a number of the server's, as it stands to that of another server in the same round. */
function against(
  [ours = [], theirs = []]: readonly (readonly Round[] | undefined)[],
  of: (ours: Round, theirs: Round) => number,
): number {
  return median(ours.flatMap((round, at) => (theirs[at] ? [of(round, theirs[at])] : [])));
}

/** Callers that open a connection for each call, as PHP does: how long a call takes, in ms. */
async function freshCalls(url: string, ca: string, forSeconds: number): Promise<number[]> {
  const { get } = url.startsWith('https:') ? https : http;
  const times: number[] = [];
  const endMs = performance.now() + forSeconds * 1000;
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const startedAt = performance.now();
      const request = get(url, { agent: false, ca, headers: { authorization: `Bearer ${API_KEY}` } });
      const [response] = (await once(request, 'response')) as [http.IncomingMessage];
      await text(response);
      assert.equal(response.statusCode, 200);
      times.push(performance.now() - startedAt);
      await sleep(PAUSE_MS);
    }
  };
  await Promise.all(Array.from({ length: FRESH_CALLERS }, one));
  return times.toSorted((a, b) => a - b);
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.floor(sorted.length * share)] ?? NaN;

const machine = `${process.platform} ${process.arch}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
console.log(
  `GET ${CALL}, ${CONNECTIONS} connections, ${rounds} rounds of ${seconds} s, Node ${process.version}`,
);
console.log(`${machine}; load of the machine before: ${loadavg()[0]?.toFixed(1) ?? ''}`);
if (!canPin) console.log('without taskset: servers and loads share the cores');

const world = await startGatewayWorld();
const { platform, broker, folder } = world;
const node = [...pinned(SERVER_CORE, [process.execPath]), ...NODE_OPTIONS];
const replyFrom = await start('reply-from', [...node, 'bench/reply-from.server.ts'], {
  UPSTREAM: platform.url,
  TOKEN: `83_${'t'.repeat(150)}`,
});
const nginx = await startNginx(world);
if (!nginx) console.log('nginx is not installed: left out');
const gatewayPath = `/gateway/plain${CALL}`;
const rows: readonly Row[] = [
  { server: platform, path: CALL },
  { server: replyFrom, path: CALL },
  { server: broker, path: gatewayPath },
  ...(nginx ? [{ server: nginx, path: CALL }] : []),
];

function show(taken: readonly (readonly Round[])[]): void {
  const [direct, bare] = taken;
  const head = ['', 'calls/s', 'of reply-from', 'CPU/call', 'p50', 'p99', '+p50', '+p99', 'resident'];
  const lines = taken.map((ours, at) => {
    const of = (field: keyof Round) => median(ours.map((round) => round[field]));
    const ms = (value: number) => `${value.toFixed(2)} ms`;
    const added = (field: 'p50Ms' | 'p99Ms') =>
      ms(against([ours, direct], (mine, theirs) => mine[field] - theirs[field]));
    const { server } = rows[at] ?? { server: platform };
    return [
      server.name,
      of('requestsPerSecond').toFixed(0),
      against([ours, bare], (mine, theirs) => mine.requestsPerSecond / theirs.requestsPerSecond).toFixed(2),
      `${of('cpuUsPerRequest').toFixed(0)} µs`,
      ms(of('p50Ms')),
      ms(of('p99Ms')),
      ...(at === 0 ? ['', ''] : [added('p50Ms'), added('p99Ms')]),
      `${residentMb(server).toFixed(0)} MB`,
    ];
  });
  for (const line of [head, ...lines]) {
    console.log(line.map((cell, column) => (column === 0 ? cell.padEnd(10) : cell.padStart(14))).join(''));
  }
}

console.log(`\nWith ${PAUSE_MS} ms between two calls of a connection:`);
show(await compare(rows, PAUSE_MS));

console.log('\nWithout a pause:');
const full = await compare(rows, 0);
show(full);
// What nginx waits for is the platform, which is slower.
const proxies = full.slice(1, 3).map((taken) => ({
  loadCpuShare: median(taken.map(({ loadCpuShare }) => loadCpuShare)),
  serverCpuShare: median(taken.map(({ serverCpuShare }) => serverCpuShare)),
}));
for (const line of caveats(proxies)) console.log(line);

console.log(`\nA connection for each call, ${FRESH_CALLERS} callers:`);
const ca = readFileSync(join(folder, 'cert.pem'), 'utf8');
const fresh = [
  { name: 'direct, TLS', url: platform.secureUrl + CALL, times: [] as number[][] },
  {
    name: 'gateway, plain to it and TLS to the platform',
    url: `${broker.url}/gateway/secure${CALL}`,
    times: [] as number[][],
  },
];
for (let round = 0; round <= rounds; round += 1) {
  for (const one of round % 2 === 0 ? fresh : fresh.toReversed()) {
    const times = await freshCalls(one.url, ca, seconds / 2);
    if (round > 0) one.times.push(times);
  }
}
for (const { name, times } of fresh) {
  const of = (share: number) => median(times.map((sorted) => percentile(sorted, share))).toFixed(2);
  console.log(`${name.padEnd(48)}p50 ${of(0.5)} ms, p99 ${of(0.99)} ms`);
}
process.exit(0);
