import { Redis } from 'ioredis';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { OwnProcess } from './own-process.js';
import { RedisServer, type RedisServerOptions } from './redis-server.js';

const NAME = 'broker';
const DOWN_AFTER_MS = 400;
const FAILOVER_TIMEOUT_MS = 3000;

/** One Redis, one replica of it, and sentinels that make the replica the primary when the primary is gone. */
export class RedisSentinel {
  /** What the sentinels call the primary. */
  readonly name = NAME;
  private readonly processes: OwnProcess[] = [];

  private constructor(
    readonly first: RedisServer,
    readonly second: RedisServer,
    readonly endpoints: readonly { readonly host: string; readonly port: number }[],
    private readonly folder: string,
  ) {}

  /** Resolves when the sentinels know both servers and each other. */
  static async start(options: RedisServerOptions = {}, sentinels = 1): Promise<RedisSentinel> {
    const first = await RedisServer.start(options);
    const second = await RedisServer.start({ ...options, replicaOf: first });
    await eventually('a replica in sync', async () =>
      String(await second.call('INFO', 'replication')).includes('master_link_status:up'),
    );
    const ports: number[] = [];
    while (ports.length < sentinels) ports.push(await freePort());
    const endpoints = ports.map((port) => ({ host: '127.0.0.1', port }));
    const group = new RedisSentinel(first, second, endpoints, mkdtempSync(join(tmpdir(), 'sentinel-')));
    for (const port of ports) group.launch(port);
    await group.settled();
    return group;
  }

  /** The port of the primary, as the sentinels say. */
  async primaryPort(): Promise<number> {
    const [, port] = await this.ask<[string, string]>('get-master-addr-by-name', NAME);
    return Number(port);
  }

  async primary(): Promise<RedisServer> {
    return (await this.primaryPort()) === this.first.port ? this.first : this.second;
  }

  /** Makes the other one the primary; both stay up. Resolves when that is done. */
  async failover(): Promise<void> {
    const before = await this.primaryPort();
    await this.ask('failover', NAME);
    await this.movedFrom(before);
  }

  /**
   * Cuts the replica off, so that it misses what is written from now on, until `failover` or `killPrimary`. The sentinels
   * join them again after 8 s.
   */
  async stopReplication(): Promise<void> {
    const replica = (await this.primary()) === this.first ? this.second : this.first;
    await replica.call('REPLICAOF', '127.0.0.1', '1');
  }

  /** Resolves when the replica has taken over. */
  async killPrimary(): Promise<void> {
    const primary = await this.primary();
    await primary.kill();
    await this.movedFrom(primary.port);
  }

  async stop(): Promise<void> {
    await Promise.all(this.processes.map((process) => process.kill()));
    await Promise.all([this.first.stop(), this.second.stop()]);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private launch(port: number): void {
    const file = join(this.folder, `${String(port)}.conf`);
    const lines = [
      `port ${String(port)}`,
      'bind 127.0.0.1',
      `dir ${this.folder}`,
      `sentinel monitor ${NAME} ${this.first.host} ${String(this.first.port)} ${String(this.quorum)}`,
      `sentinel auth-pass ${NAME} ${this.first.password}`,
      `sentinel down-after-milliseconds ${NAME} ${String(DOWN_AFTER_MS)}`,
      `sentinel failover-timeout ${NAME} ${String(FAILOVER_TIMEOUT_MS)}`,
    ];
    writeFileSync(file, lines.join('\n') + '\n');
    this.processes.push(new OwnProcess('redis-server', [file, '--sentinel'], { cwd: this.folder }));
  }

  private get quorum(): number {
    return Math.floor(this.endpoints.length / 2) + 1;
  }

  private async settled(): Promise<void> {
    for (const { port } of this.endpoints) {
      await eventually('a sentinel that knows all', async () => {
        const facts = await this.ask<string[]>('master', NAME, port).catch((): string[] => []);
        const fact = (name: string): string | undefined => facts[facts.indexOf(name) + 1];
        const knowsSentinels = fact('num-other-sentinels') === String(this.endpoints.length - 1);
        return knowsSentinels && fact('num-slaves') === '1' && fact('flags') === 'master';
      });
    }
  }

  private async movedFrom(port: number): Promise<void> {
    await eventually('a new primary', async () => {
      const primary = await this.primary();
      if (primary.port === port) return false;
      return String(await primary.call('ROLE')).startsWith('master');
    });
  }

  /** A sentinel is asked anew each time: this is for tests, not for speed. */
  private async ask<T>(command: string, name: string, port = this.endpoints[0]?.port ?? 0): Promise<T> {
    const sentinel = new Redis(port, '127.0.0.1', {
      protocol: 2,
      enableReadyCheck: false,
      retryStrategy: () => null,
      disconnectTimeout: 50,
    });
    sentinel.on('error', () => undefined);
    try {
      return (await sentinel.call('SENTINEL', command, name)) as T;
    } finally {
      sentinel.disconnect();
    }
  }
}
