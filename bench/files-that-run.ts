/** `npm run files-that-run [-- --functions]`: which files of the built server do something while a token is read, rotated or reported. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { freePort } from './free-port.ts';
import { NPM_START, ROOT } from './npm-start.ts';

/** What runs in each of so many repetitions belongs to the act; the rest was work of the background. */
const REPETITIONS = 5;
/** For what follows an answer, such as the message to the other replicas. */
const AFTER_MS = 60;
const LOOK_MS = 40;
/** Of a token: the broker fetches the next one after half of it. */
const LIFE_SECONDS = 20;
/** A younger token that is dead may be one that the platform has not spread yet. */
const DIES_AT_MS = 5500;
const DIST = `${pathToFileURL(join(ROOT, 'dist')).href}/`;

/** The functions that ran, by file. */
type Ran = ReadonlyMap<string, ReadonlySet<string>>;

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

const { values } = parseArgs({ options: { functions: { type: 'boolean', default: false } } });

const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});
const folder = mkdtempSync(join(tmpdir(), 'files-that-run-'));
process.once('exit', () => {
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves with what the first line that matches says, of either stream, for each pattern. */
async function launch(file: string, args: readonly string[], env: object, ...patterns: readonly RegExp[]) {
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  const said = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', (line) => {
          const [, found] = pattern.exec(line) ?? [];
          if (found !== undefined) resolve(found);
        });
      }
      child.once('error', reject);
      child.once('exit', () => {
        reject(new Error(`${file} ended: is everything built, and redis-server installed?`));
      });
    });
  return Promise.all(patterns.map(said));
}

/** Node's inspector of the broker. */
class Inspector {
  private id = 0;
  private readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
  }

  static async of(url: string): Promise<Inspector> {
    const socket = new WebSocket(url);
    await once(socket, 'open');
    const inspector = new Inspector(socket);
    await inspector.call('Profiler.enable');
    await inspector.call('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return inspector;
  }

  async call(method: string, params: object = {}): Promise<unknown> {
    this.id += 1;
    const own = this.id;
    this.socket.send(JSON.stringify({ id: own, method, params }));
    for (;;) {
      const [event] = (await once(this.socket, 'message')) as [MessageEvent];
      const answer = JSON.parse(String(event.data)) as { id?: number; result?: unknown };
      if (answer.id === own) return answer.result;
    }
  }

  /** What ran since the last call. */
  async ran(): Promise<Ran> {
    const { result } = (await this.call('Profiler.takePreciseCoverage')) as Coverage;
    const ofServer = result.filter(({ url }) => url.startsWith(DIST));
    const files = ofServer.map(({ url, functions }) => {
      const called = functions.filter(({ ranges: [whole] }) => (whole?.count ?? 0) > 0);
      return [url.slice(DIST.length), new Set(called.map(({ functionName }) => functionName))] as const;
    });
    return new Map(files.filter(([, functions]) => functions.size > 0));
  }
}

function inBoth(one: Ran, other: Ran): Ran {
  const files = [...one].map(([file, functions]) => {
    const others = other.get(file);
    return [file, new Set([...functions].filter((name) => others?.has(name)))] as const;
  });
  return new Map(files.filter(([, functions]) => functions.size > 0));
}

function inEither(one: Ran, other: Ran): Ran {
  const files = [...new Set([...one.keys(), ...other.keys()])];
  return new Map(
    files.map((file) => [file, new Set([...(one.get(file) ?? []), ...(other.get(file) ?? [])])]),
  );
}

const redisPort = await freePort();
const redisArgs = ['--port', String(redisPort), '--save', '', '--dir', folder];
await launch('redis-server', redisArgs, {}, /(Ready to accept connections)/);
const app = { appId: 'wx5131a70b6f1e9a2d', appSecret: randomBytes(16).toString('hex') };
const simulatorArgs = ['--port', '0', '--app-id', app.appId, '--app-secret', app.appSecret];
const [platformUrl = ''] = await launch(
  process.execPath,
  ['dist/cli.js', 'simulate', ...simulatorArgs, '--expires-in', String(LIFE_SECONDS)],
  {},
  /listening on (http:\S+)/,
);
const key = `tbk_${randomBytes(32).toString('base64url')}`;
const configFile = join(folder, 'broker.json');
writeFileSync(
  configFile,
  JSON.stringify({
    redis: { url: `redis://127.0.0.1:${redisPort}/0` },
    encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
    apps: [{ name: 'shop', ...app, apiBaseUrl: platformUrl }],
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
const [inspectorUrl = '', brokerUrl = ''] = await launch(
  process.execPath,
  ['--inspect=127.0.0.1:0', ...NPM_START],
  { BROKER_CONFIG: configFile, HOST: '127.0.0.1', PORT: '0' },
  /Debugger listening on (ws:\S+)/,
  /listening.*?(http:\/\/[\d.]+:\d+)/,
);
const inspector = await Inspector.of(inspectorUrl);

async function ask(path: string, body?: object) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' };
  const answer = await fetch(brokerUrl + path, {
    headers,
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text) as { generation: number; refreshed?: boolean };
}

const read = () => ask('/token?app=shop');
const report = (generation: number) => ask('/token/refresh', { app: 'shop', errcode: 40001, generation });

async function ofCall<T>(act: () => Promise<T>): Promise<{ ran: Ran; answer: T }> {
  await inspector.ran();
  const answer = await act();
  await sleep(AFTER_MS);
  return { ran: await inspector.ran(), answer };
}

/** From the look before the fetch to the one after it. */
async function ofNextRotation(): Promise<Ran> {
  const { generation } = await read();
  let before = await inspector.ran();
  for (;;) {
    await sleep(LOOK_MS);
    const now = await inspector.ran();
    if (now.get('core/refresh/token-fetch.js')?.has('send')) {
      await sleep(AFTER_MS);
      const after = await inspector.ran();
      assert.ok((await read()).generation > generation, 'the fetch brought no token');
      return inEither(inEither(before, now), after);
    }
    before = now;
  }
}

async function repeated(once: () => Promise<Ran>): Promise<Ran> {
  let ran = await once();
  for (let done = 1; done < REPETITIONS; done += 1) ran = inBoth(ran, await once());
  return ran;
}

async function ofReport(): Promise<Ran> {
  // One that was fetched because of a report would not be replaced because of the next.
  await ofNextRotation();
  await sleep(DIES_AT_MS);
  const { generation } = await read();
  await fetch(`${platformUrl}/__sim/faults`, {
    method: 'POST',
    body: JSON.stringify({ kind: 'early_death' }),
  });
  const { ran, answer } = await ofCall(() => report(generation));
  // On a busy machine the token may have been due before it was reported.
  return answer.refreshed === true ? ran : ofReport();
}

function print(what: string, ran: Ran): void {
  console.log(`\n${what}: ${ran.size} files`);
  for (const [file, functions] of [...ran].toSorted(([one], [other]) => one.localeCompare(other))) {
    const names = [...functions].map((name) => name || '(unnamed)').join(', ');
    console.log(`  src/${file.replace(/\.js$/, '.ts')}${values.functions ? `: ${names}` : ''}`);
  }
}

// Once each, so that nothing is made for the first time while it is looked at.
for (let warmUps = 0; warmUps < 3; warmUps += 1) await read();
await ofReport();

print('GET /token', await repeated(async () => (await ofCall(read)).ran));
print('A rotation that is due', await repeated(ofNextRotation));
print('A report of a dead token, which rotates', await repeated(ofReport));
process.exit(0);
