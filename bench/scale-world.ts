/** A Redis with the tokens of many apps, brokers on it, and what they cost. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { AppIdentity } from '../src/core/app-definition.ts';
import type * as SystemTime from '../src/core/system-clock.ts';
import type * as Storage from '../src/storage/redis/index.ts';
import { freePort } from './free-port.ts';
import { NPM_START, ROOT } from './npm-start.ts';
import type { ScalePlatform } from './scale-platform.ts';

const GENEROUS = 1_000_000;
/** Apps whose tokens are on their way into the store at the same time. */
const MAX_STORING = 500;
const LEASE_MS = 60_000;

type Grant = 'stable' | 'classic';

/** `folder`: for what is written; it goes with the run. */
interface Place {
  readonly grant: Grant;
  readonly folder: string;
  readonly platformUrl: string;
  /** The console is on, and the key may look at it. */
  readonly hasConsole?: boolean;
}

/** What Redis counts once more when a script of a broker does it, and this program's own. */
const OF_SCRIPTS: ReadonlySet<string> = new Set(
  'time get set exists del xadd xrange xrevrange hgetall hset hdel pexpire info'.split(' '),
);

export interface Replica {
  readonly url: string;
  readonly pid: number;
  /** Of the inspector, which tells what lives on the heap; null where there is none. */
  readonly inspector: string | null;
  readonly readyMs: number;
}

const children: ChildProcess[] = [];
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

function launch(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(file, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

export class ScaleWorld {
  readonly key = `tbk_${randomBytes(32).toString('base64url')}`;
  private readonly encryptionKey = randomBytes(32);
  private readonly file: string;
  private brokers: ChildProcess[] = [];

  readonly apps: number;
  private readonly grant: Grant;
  private readonly platformUrl: string;
  private readonly hasConsole: boolean;
  private readonly redisProcess: ChildProcess;
  private readonly redisPort: number;
  private readonly redis: Redis;

  private constructor(
    apps: number,
    { grant, folder, platformUrl, hasConsole = false }: Place,
    redis: ChildProcess,
    port: number,
  ) {
    this.apps = apps;
    this.grant = grant;
    this.file = join(folder, `broker-${apps}.json`);
    this.platformUrl = platformUrl;
    this.hasConsole = hasConsole;
    this.redisProcess = redis;
    this.redisPort = port;
    this.redis = new Redis(port, '127.0.0.1');
    this.writeConfig();
  }

  static async start(apps: number, place: Place): Promise<ScaleWorld> {
    const port = await freePort();
    const child = launch('redis-server', ['--port', String(port), '--save', '', '--dir', place.folder]);
    await once(child, 'spawn').catch((cause: unknown) => {
      throw new Error('redis-server is not installed: apt-get install -y redis-server', { cause });
    });
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes('Ready to accept connections')) continue;
      child.stdout.resume();
      return new ScaleWorld(apps, place, child, port);
    }
    throw new Error('redis-server ended before it was ready');
  }

  appId(index: number): string {
    return `wx${index.toString(16).padStart(16, '0')}`;
  }

  private writeConfig(): void {
    const config = {
      redis: { url: `redis://127.0.0.1:${this.redisPort}/0` },
      encryption: { keys: [{ id: 'k1', key: this.encryptionKey.toString('base64') }] },
      rate: { requestsPerSecond: GENEROUS },
      // At the usual pace 10,000 tokens that were found take 100 s to be tried, which is not idle.
      limits: { startFetchesPerSecond: 1000 },
      ...(this.hasConsole && { console: {} }),
      apps: Array.from({ length: this.apps }, (_, index) => ({
        name: `app-${index}`,
        appId: this.appId(index),
        appSecret: createHash('md5').update(String(index)).digest('hex'),
        apiBaseUrl: this.platformUrl,
        grant: this.grant,
        // For the brokers' own limit of fetches, nothing that runs for minutes is a day.
        refresh: { dailyBudget: 10_000, forcedDailyBudget: 1000 },
      })),
      clients: [
        {
          name: 'bench',
          keySha256: [createHash('sha256').update(this.key).digest('hex')],
          apps: '*',
          scopes: ['token:read', 'token:refresh', 'token:admin', ...(this.hasConsole ? ['console'] : [])],
        },
      ],
    };
    writeFileSync(this.file, JSON.stringify(config));
  }

  /** Has a token of each app stored, as brokers would have done it in the course of days. */
  async fill(platform: ScalePlatform): Promise<void> {
    // Built, since Node cannot run the sources.
    const { RedisConnection, RedisRefreshLease, RedisTokenStore, TokenCipher } = (await import(
      join(ROOT, 'dist/storage/redis/index.js')
    )) as typeof Storage;
    const { SystemClock } = (await import(join(ROOT, 'dist/core/system-clock.js'))) as typeof SystemTime;
    const server = { kind: 'url', url: `redis://127.0.0.1:${this.redisPort}/0` } as const;
    const none = {
      username: null,
      password: null,
      sentinelUsername: null,
      sentinelPassword: null,
      tls: null,
    };
    const connection = new RedisConnection({ server, ...none }, new SystemClock());
    await connection.ready(3000);
    const cipher = new TokenCipher([{ id: 'k1', key: this.encryptionKey }]);
    const keyPrefix = 'tokenbroker:';
    const unexpected = () => {
      throw new Error('the store is not empty');
    };
    const store = new RedisTokenStore(connection, {
      keyPrefix,
      cipher,
      onUnreadable: unexpected,
      onOtherOwner: unexpected,
    });
    const leases = new RedisRefreshLease(connection, keyPrefix);
    const budget = { daily: 10, forcedDaily: 10, dayOffsetMs: 0 };
    const none0 = { charge: null, seenGeneration: 0, highestKnown: 0, credential: null };
    const fillOne = async (index: number): Promise<void> => {
      const appId = this.appId(index);
      const app: AppIdentity = { name: `app-${index}`, provider: 'wechat', appId, grant: this.grant };
      const acquired = await leases.acquire(app, LEASE_MS);
      assert.ok(acquired.kind === 'acquired');
      const { lease } = acquired;
      const request = { lease, ...none0, ignoreBackOff: 'none', budget, leaseMs: LEASE_MS } as const;
      const begun = await store.begin(app, request);
      assert.ok(begun.kind === 'granted');
      const { access_token: value, expires_in } = platform.issueEarlier(appId);
      const fetched = { value, expiresInMs: expires_in * 1000, owner: 'bench', reason: 'cold' } as const;
      await store.commit(app, { permit: begun.permit, ...fetched });
      await leases.release(lease);
    };
    for (let from = 0; from < this.apps; from += MAX_STORING) {
      const length = Math.min(MAX_STORING, this.apps - from);
      await Promise.all(Array.from({ length }, (_, index) => fillOne(from + index)));
    }
    connection.close();
  }

  /** Resolves when it is ready. */
  async startReplica({ isInspected = false } = {}): Promise<Replica> {
    const startedAt = performance.now();
    const options = isInspected ? ['--inspect=127.0.0.1:0'] : [];
    const env = { BROKER_CONFIG: this.file, HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info' };
    const broker = launch(process.execPath, [...options, ...NPM_START], env);
    this.brokers.push(broker);
    let inspector: string | null = null;
    createInterface({ input: broker.stderr }).on('line', (line) => {
      const [, url] = /listening on (ws:\S+)/.exec(line) ?? [];
      if (url !== undefined) inspector = url;
      else if (!/inspector|Debugger|For help/.test(line)) console.error(line);
    });
    for await (const line of createInterface({ input: broker.stdout })) {
      const [, url] = line.includes('is listening') ? (/"url":"(http[^"]+)"/.exec(line) ?? []) : [];
      if (url === undefined || broker.pid === undefined) continue;
      broker.stdout.resume();
      while ((await fetch(`${url}/health/ready`)).status !== 200) await sleep(20);
      return { url, pid: broker.pid, inspector, readyMs: performance.now() - startedAt };
    }
    throw new Error('a broker ended before it listened');
  }

  async get(replica: Replica, path: string): Promise<string> {
    const answer = await fetch(replica.url + path, { headers: { authorization: `Bearer ${this.key}` } });
    assert.equal(answer.status, 200, path);
    return answer.text();
  }

  async forceRefresh(replica: Replica, app: string): Promise<number> {
    const answer = await fetch(`${replica.url}/token/refresh`, {
      method: 'POST',
      headers: { authorization: `Bearer ${this.key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ app, force: true }),
    });
    assert.equal(answer.status, 200, await answer.clone().text());
    return ((await answer.json()) as { generation: number }).generation;
  }

  /** The commands that brokers send within so long, by name; what a script does is part of the script. */
  async commandsWithin(ms: number): Promise<ReadonlyMap<string, number>> {
    const before = await this.commands();
    await sleep(ms);
    const after = await this.commands();
    const counts = [...after].map(([name, count]): [string, number] => [
      name,
      count - (before.get(name) ?? 0),
    ]);
    return new Map(counts.filter(([name, count]) => count > 0 && !OF_SCRIPTS.has(name)));
  }

  private async commands(): Promise<ReadonlyMap<string, number>> {
    const text = await this.redis.info('commandstats');
    const lines = text.matchAll(/cmdstat_([^:]+):calls=(\d+)/g);
    return new Map([...lines].map(([, name = '', calls]) => [name, Number(calls)]));
  }

  async stop(): Promise<void> {
    const stopped = this.brokers.map(async (broker) => {
      const ended = once(broker, 'exit');
      broker.kill('SIGKILL');
      await ended;
    });
    await Promise.all(stopped);
    this.redis.disconnect();
    this.redisProcess.kill('SIGKILL');
  }
}

/** What lives on the heap after a collection, in bytes. */
export async function heapBytes({ inspector }: Replica): Promise<number> {
  assert.ok(inspector !== null, 'no inspector');
  const socket = new WebSocket(inspector);
  await once(socket, 'open');
  let id = 0;
  const call = async (method: string): Promise<Record<string, number>> => {
    id += 1;
    const own = id;
    socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [event] = (await once(socket, 'message')) as [MessageEvent];
      const answer = JSON.parse(String(event.data)) as { id?: number; result?: Record<string, number> };
      if (answer.id === own) return answer.result ?? {};
    }
  };
  await call('HeapProfiler.enable');
  await call('HeapProfiler.collectGarbage');
  const {
    usedSize = NaN,
    embedderHeapUsedSize = 0,
    backingStorageSize = 0,
  } = await call('Runtime.getHeapUsage');
  socket.close();
  return usedSize + embedderHeapUsedSize + backingStorageSize;
}
