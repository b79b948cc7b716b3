/**
 * `npm run bench:login -- [--seconds 5]`: logins a second on one replica over Redis with a platform that answers at once: the
 * exchange of an SDK (`/sns/oauth2/access_token`), and the two calls of a native login (authorize-url and exchange). Beside them the
 * bare exchange that a service does with axios.
 */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import axios from 'axios';
import { freePort } from './free-port.ts';
import { NPM_START, ROOT } from './npm-start.ts';

const CONCURRENT = 48;
const WARM_UP_SECONDS = 2;
const TICKS_PER_SECOND = 100;
const LANDING = 'https://shop.example/login/back';
const APP_ID = 'wx5131a70b6f1e9a2d';
const APP_SECRET = '4f1c0d9e7ab36258c1e09d47fb83a625';
const ANSWER = {
  access_token:
    'OezXcEiiBSKSxW0eoylIeJDUKD6z6dmr42JANLPjNN7Kaf3e4GZ2OncrCfiKnGWiusJMZwzQU8kXcnT1hNs_ykAFDfDEuNp6waj',
  expires_in: 7200,
  refresh_token:
    'OezXcEiiBSKSxW0eoylIeJDUKD6z6dmr42JANLPjNN7Kaf3e4GZ2OncrCfiKnGWiusJMZwzQU8kXcnT1hNs_ykAFDfDEuNp6wbk',
  openid: 'oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A',
  scope: 'snsapi_base',
};

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' } } });
const seconds = Number(values.seconds);
const folder = mkdtempSync(join(tmpdir(), 'bench-login-'));
const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

async function start(line: RegExp, file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  for await (const output of createInterface({ input: child.stdout })) {
    const found = line.exec(output);
    if (!found || child.pid === undefined) continue;
    child.stdout.resume();
    return { found: found[1] ?? '', pid: child.pid };
  }
  throw new Error(`${file} ended before it was ready`);
}

/** What Redis ran for the broker so far: scripts, and plain commands of logins. */
async function commandsRun(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.end('INFO commandstats\r\nQUIT\r\n');
  const calls = [...(await text(socket)).matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** How often `once` ends in this time, with so many of it at once. */
async function inTime(forSeconds: number, work: () => Promise<void>): Promise<number> {
  const endMs = performance.now() + forSeconds * 1000;
  let count = 0;
  const one = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await work();
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, one));
  return count;
}

const redisPort = await freePort();
const redisArgs = ['--port', String(redisPort), '--save', '', '--dir', folder];
await start(/(Ready to accept connections)/, 'redis-server', redisArgs);
const platform = await start(/(http:\/\/[\d.]+:\d+)/, process.execPath, ['bench/node-http.server.ts'], {
  BODY: JSON.stringify(ANSWER),
});
const key = `tbk_${randomBytes(32).toString('base64url')}`;
const config = {
  redis: { url: `redis://127.0.0.1:${redisPort}/0` },
  encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
  apps: [
    {
      name: 'shop',
      appId: APP_ID,
      appSecret: APP_SECRET,
      apiBaseUrl: platform.found,
      login: { redirectUris: [LANDING] },
    },
  ],
  clients: [
    {
      name: 'bench',
      keySha256: [createHash('sha256').update(key).digest('hex')],
      apps: '*',
      scopes: ['login'],
    },
  ],
};
const file = join(folder, 'broker.json');
writeFileSync(file, JSON.stringify(config));
const broker = await start(/listening.*?(http:\/\/[\d.]+:\d+)/, process.execPath, NPM_START, {
  BROKER_CONFIG: file,
  HOST: '127.0.0.1',
  PORT: '0',
});

const agent = new http.Agent({ keepAlive: true, maxSockets: CONCURRENT });
async function post(path: string, body: object): Promise<Record<string, string>> {
  const data = JSON.stringify(body);
  const request = http.request(broker.found + path, {
    agent,
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(data),
    },
  });
  request.end(data);
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const answer = await text(response);
  assert.equal(response.statusCode, 200, answer);
  return JSON.parse(answer) as Record<string, string>;
}

async function login(): Promise<void> {
  const { state, binding } = await post('/login/authorize-url', { app: 'shop', redirect_uri: LANDING });
  const code = randomBytes(16).toString('hex');
  const { session } = await post('/login/exchange', { app: 'shop', code, state, binding });
  assert.match(String(session), /^tbs_/);
}

async function bareExchange(): Promise<void> {
  const params = {
    appid: APP_ID,
    secret: APP_SECRET,
    code: randomBytes(16).toString('hex'),
    grant_type: 'authorization_code',
  };
  const { data } = await axios.get<typeof ANSWER>(`${platform.found}/sns/oauth2/access_token`, { params });
  assert.equal(data.openid, ANSWER.openid);
}

async function sdkExchange(): Promise<void> {
  const code = randomBytes(16).toString('hex');
  const query = `appid=${APP_ID}&secret=${key}&code=${code}&grant_type=authorization_code`;
  const request = http.get(`${broker.found}/sns/oauth2/access_token?${query}`, { agent });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const { openid } = JSON.parse(await text(response)) as { openid?: string };
  assert.equal(openid, ANSWER.openid);
}

interface Measured {
  readonly perSecond: number;
  /** Of the broker, for each. */
  readonly cpuUs: number;
  readonly commands: number;
}

async function measure(work: () => Promise<void>): Promise<Measured> {
  await inTime(WARM_UP_SECONDS, work);
  const before = { cpu: cpuSeconds(broker.pid), commands: await commandsRun(redisPort) };
  const startedAt = performance.now();
  const count = await inTime(seconds, work);
  const elapsed = (performance.now() - startedAt) / 1000;
  const cpu = cpuSeconds(broker.pid) - before.cpu;
  const commands = (await commandsRun(redisPort)) - before.commands;
  return { perSecond: count / elapsed, cpuUs: (cpu / count) * 1e6, commands: commands / count };
}

const bare = await measure(bareExchange);
console.log(`bare exchanges with axios, one process   ${bare.perSecond.toFixed(0)} a second`);
for (const [name, work] of [
  ['SDK exchanges', sdkExchange],
  ['native logins, of two calls', login],
] as const) {
  const { perSecond, cpuUs, commands } = await measure(work);
  console.log(
    `${name.padEnd(41)}${perSecond.toFixed(0)} a second (goal: 1,000), ${(perSecond / bare.perSecond).toFixed(2)} of bare; each ${cpuUs.toFixed(0)} µs of the broker's CPU, ${commands.toFixed(2)} commands of Redis (goal: at most 4)`,
  );
}
process.exit(0);
