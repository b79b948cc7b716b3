/** `npm run bench -- [--seconds 3] [--rounds 5] [--runs 1] [--minute] [--json]`. docs/benchmarks.md says how to read what it prints. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  alternate,
  canPin,
  CONNECTIONS,
  caveats,
  LOAD_CORE,
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
import { NPM_START } from './npm-start.ts';

const COLD_STARTS = 5;
const PATH = '/token?app=default';

const API_KEY = `tbk_${randomBytes(32).toString('base64url')}`;
/** As Kubernetes writes the token of a ServiceAccount for a pod. */
const SUBJECT = { namespace: 'shop', serviceAccount: 'orders' };
const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const signer = await generateKeyPair('RS256');
const JWKS = { keys: [{ ...(await exportJWK(signer.publicKey)), kid: 'bench', alg: 'RS256', use: 'sig' }] };
const JWT = await new SignJWT({
  'kubernetes.io': {
    namespace: SUBJECT.namespace,
    node: { name: 'node-1', uid: randomUUID() },
    pod: { name: 'orders-6d5f7c9b8-x2x7k', uid: randomUUID() },
    serviceaccount: { name: SUBJECT.serviceAccount, uid: randomUUID() },
  },
})
  .setProtectedHeader({ alg: 'RS256', kid: 'bench' })
  .setIssuer(ISSUER)
  .setAudience(['access-token-broker'])
  .setSubject(`system:serviceaccount:${SUBJECT.namespace}:${SUBJECT.serviceAccount}`)
  .setJti(randomUUID())
  .setIssuedAt()
  .setNotBefore('0s')
  .setExpirationTime('1y')
  .sign(signer.privateKey);
const WITH_JWT = 'with a JWT';
/** Which of the servers is the broker that is asked with an API key. */
const BROKER = 2;
const APP = { BROKER_APP_ID: 'wx0123456789abcdef', BROKER_APP_SECRET: randomBytes(16).toString('hex') };

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

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
process.on('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

/** One client has all of the broker here, which its usual rate would not allow. */
function startBroker(platform: Server, command: readonly string[], name = 'broker') {
  const file = join(folder, 'broker.json');
  const jwks = join(folder, 'jwks.json');
  writeFileSync(jwks, JSON.stringify(JWKS));
  const config = {
    apps: [
      {
        name: 'default',
        appId: APP.BROKER_APP_ID,
        appSecret: APP.BROKER_APP_SECRET,
        apiBaseUrl: platform.url,
      },
    ],
    rate: { requestsPerSecond: 10_000_000 },
    identities: { jwt: [{ issuer: ISSUER, audience: 'access-token-broker', jwks: { file: jwks } }] },
    clients: [
      {
        name: 'bench',
        keySha256: [createHash('sha256').update(API_KEY).digest('hex')],
        subjects: [{ kubernetes: SUBJECT }],
        apps: '*',
        scopes: ['token:read'],
      },
    ],
  };
  writeFileSync(file, JSON.stringify(config));
  return start(name, [...command, ...NPM_START], { BROKER_CONFIG: file, HOST: '127.0.0.1', PORT: '0' });
}

/** The broker, and the bare servers that give the same answer. */
async function startServers(platform: Server): Promise<readonly [Server, Server, Server, Server]> {
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
  const withJwt = await startBroker(platform, node, WITH_JWT);
  const answer = await answerOf(withJwt, JWT);
  assert.equal(answer.body.length, expected.body.length, 'a JWT gets another body than an API key');
  return [nodeHttp, fastify, broker, withJwt];
}

async function answerOf({ name, url }: Server, apiKey = API_KEY) {
  const response = await fetch(url + PATH, { headers: { authorization: `Bearer ${apiKey}` } });
  assert.equal(response.status, 200, `${name} answers ${response.status}`);
  const headers = [...response.headers].filter(([header]) => header !== 'date');
  return { headers, body: await response.text() };
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

async function compare(servers: readonly Server[]) {
  const loads = servers.map(
    (server) => new Measured(server, { path: PATH, apiKey: server.name === WITH_JWT ? JWT : API_KEY }),
  );
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

/** One comparison with servers of its own, whose compiled code and memory are as they happen to be in these processes. */
async function run(platform: Server, { isLast }: { readonly isLast: boolean }) {
  const servers = await startServers(platform);
  try {
    const results = await compare(servers);
    for (const line of table(results)) note(line);
    note('');
    for (const line of caveats(results)) note(line);
    if (!isLast || !options.minute) return { results };
    const broker = servers[BROKER];
    const load = new Measured(broker, { path: PATH, apiKey: API_KEY });
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
  const ratios = done.map(({ results }) => results[BROKER]?.ofNodeHttp ?? NaN);
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
