import { Redis } from 'ioredis';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { OwnProcess } from './own-process.js';
import { makeCertificates, type TestCertificates } from './test-certificates.js';

const HOW_TO_INSTALL = 'redis-server is not in PATH: install it with `apt-get install -y redis-server`';
const PORT_TRIES = 3;
const SILENT_AFTER_MS = 15_000;

export interface RedisUser {
  readonly name: string;
  readonly password: string;
}

export interface RedisServerOptions {
  /** What stands behind `user` in an ACL file: `broker on >password ~app:* +get`. */
  readonly users?: readonly string[];
  /** Listens with TLS only. */
  readonly tls?: boolean;
  /** Writes every change to disk at once, so that a restart finds it. */
  readonly appendOnly?: boolean;
  /** As in redis.conf: `2mb`. */
  readonly maxMemory?: string;
  readonly replicaOf?: RedisServer;
  /** More directives, name and values. */
  readonly directives?: readonly (readonly string[])[];
  readonly env?: Readonly<Record<string, string>>;
}

const started = new Set<RedisServer>();

afterAll(async () => {
  await Promise.all([...started].map((server) => server.stop()));
});

/** A Redis of the test's own, on a port and in a folder of its own. Ends with the test file, if not before. */
export class RedisServer {
  readonly host = '127.0.0.1';
  /** Of the default user, so that nobody else on this machine writes here by mistake. */
  readonly password: string;
  readonly certificates: TestCertificates | null;
  private process: OwnProcess | null = null;
  private connection: Redis | null = null;

  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly options: RedisServerOptions,
  ) {
    this.password = options.replicaOf?.password ?? randomBytes(16).toString('hex');
    this.certificates = options.tls ? makeCertificates(folder) : null;
  }

  /** Resolves when it answers, and it is the process started here. Throws with its output when it ends instead. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    for (let tries = 1; ; tries++) {
      const folder = mkdtempSync(join(tmpdir(), 'redis-'));
      const server = new RedisServer(await freePort(), folder, options);
      started.add(server);
      try {
        await server.launch();
        return server;
      } catch (error) {
        await server.stop();
        const isTaken = server.output.includes('Address already in use');
        if (!isTaken || tries === PORT_TRIES) throw error;
      }
    }
  }

  /** All that it wrote since it was last started. */
  get output(): string {
    return this.process?.output ?? '';
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** Default: the default user. `port` for a proxy in front of it. */
  url(user: RedisUser = { name: 'default', password: this.password }, port = this.port): string {
    return `${this.certificates ? 'rediss' : 'redis'}://${user.name}:${user.password}@${this.host}:${String(port)}/0`;
  }

  /** Any command, as the default user. */
  async call(command: string, ...args: string[]): Promise<unknown> {
    return this.client.call(command, ...args);
  }

  /** A connection as the default user, which ends with this server. */
  get client(): Redis {
    if (!this.connection) throw new Error('This Redis is not running');
    return this.connection;
  }

  /** As a power failure. */
  async kill(): Promise<void> {
    await this.disconnected();
    await this.process?.kill();
  }

  /** Stops it in the middle of whatever it does; connections stay open. */
  freeze(): void {
    this.process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.process?.signal('SIGCONT');
  }

  /** Its data at this moment, for `restart`. */
  async snapshot(): Promise<Buffer> {
    await this.call('SAVE');
    return readFileSync(join(this.folder, 'dump.rdb'));
  }

  /**
   * On the same port, if need be after a kill. `data`: what it starts with; without, what it finds on its disk, which is
   * nothing unless it is `appendOnly`. A snapshot needs a server that is not `appendOnly`. `loadDelayMicroseconds`: how long
   * it takes over each key.
   */
  async restart({
    data,
    loadDelayMicroseconds = 0,
  }: { readonly data?: Buffer; readonly loadDelayMicroseconds?: number } = {}): Promise<void> {
    await this.kill();
    rmSync(join(this.folder, 'dump.rdb'), { force: true });
    if (data) writeFileSync(join(this.folder, 'dump.rdb'), data);
    await this.launch([`--key-load-delay`, String(loadDelayMicroseconds)]);
  }

  /** Everything that it holds, keys and values, as text. */
  async dump(): Promise<string> {
    const keys = await this.client.keys('*');
    const values = await Promise.all(keys.map(async (key) => [key, await this.valueOf(key)]));
    return JSON.stringify(values);
  }

  /** Ends it for good and removes its folder. Harmless when it is not running. */
  async stop(): Promise<void> {
    started.delete(this);
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async launch(more: readonly string[] = []): Promise<void> {
    const child = new OwnProcess('redis-server', [...this.args(), ...more], {
      cwd: this.folder,
      ...this.options,
    });
    this.process = child;
    const client = new Redis(this.url(), {
      ...(this.certificates && { tls: { ca: this.certificates.ca } }),
      retryStrategy: () => 20,
      maxRetriesPerRequest: null,
      disconnectTimeout: 50,
    });
    client.on('error', () => undefined);
    this.connection = client;
    try {
      await Promise.race([this.answers(client), endOf(child), silenceOf(child)]);
    } catch (error) {
      await this.disconnected();
      throw error;
    }
  }

  /** Checked before anything is written: the Redis that answers is the one that was started. */
  private async answers(client: Redis): Promise<void> {
    const pid = await eventually('an answer of Redis', async () => {
      const info = await client.info('server');
      return /process_id:(\d+)/.exec(info)?.[1];
    });
    if (pid !== String(this.pid)) {
      throw new Error(`Another Redis, process ${pid}, answers on port ${String(this.port)}`);
    }
    await eventually('loaded', async () => (await client.info('persistence')).includes('\nloading:0'));
  }

  private async disconnected(): Promise<void> {
    const client = this.connection;
    this.connection = null;
    client?.disconnect();
  }

  private async valueOf(key: string): Promise<unknown> {
    const { client } = this;
    const type = await client.type(key);
    switch (type) {
      case 'string':
        return client.get(key);
      case 'hash':
        return client.hgetall(key);
      case 'list':
        return client.lrange(key, 0, -1);
      case 'set':
        return client.smembers(key);
      case 'zset':
        return client.zrange(key, '0', '-1', 'WITHSCORES');
      case 'stream':
        return client.xrange(key, '-', '+');
      case 'none':
        return null;
      default:
        throw new Error(`What is in a ${type}?`);
    }
  }

  private args(): string[] {
    const { users = [], appendOnly = false, maxMemory, replicaOf, directives = [] } = this.options;
    const { certificates, password } = this;
    const port = String(this.port);
    const lines: (readonly string[])[] = [
      ['bind', this.host],
      ['dir', this.folder],
      ['requirepass', password],
      ['save', ''],
      ['appendonly', appendOnly ? 'yes' : 'no'],
      ['appendfsync', 'always'],
      ['repl-diskless-sync-delay', '0'],
      ...(certificates
        ? [
            ['port', '0'],
            ['tls-port', port],
            ['tls-ca-cert-file', certificates.caFile],
            ['tls-cert-file', certificates.certFile],
            ['tls-key-file', certificates.keyFile],
            ['tls-auth-clients', 'no'],
          ]
        : [['port', port]]),
      ...(maxMemory === undefined ? [] : [['maxmemory', maxMemory]]),
      ['masterauth', password],
      ...(replicaOf ? [['replicaof', replicaOf.host, String(replicaOf.port)]] : []),
      ...users.map((user) => ['user', ...user.split(' ')]),
      ...directives,
    ];
    return lines.flatMap(([name = '', ...values]) => [`--${name}`, ...values]);
  }
}

async function endOf(child: OwnProcess): Promise<never> {
  await child.ended;
  throw new Error(
    child.notFound ? HOW_TO_INSTALL : `redis-server ended instead of listening:\n${child.output}`,
  );
}

async function silenceOf(child: OwnProcess): Promise<never> {
  await sleep(SILENT_AFTER_MS, undefined, { ref: false });
  throw new Error(`redis-server does not answer:\n${child.output}`);
}
