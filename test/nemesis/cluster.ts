import { randomBytes } from 'node:crypto';
import { MINIMAL_ACL } from '../support/minimal-acl.js';
import { type TokenReport, WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from '../support/broker-config.js';
import { FaultProxy } from '../support/fault-proxy.js';
import { freePort } from '../support/free-port.js';
import { RedisSentinel } from '../support/redis-sentinel.js';
import { RedisServer } from '../support/redis-server.js';
import { ShiftedClock } from '../support/shifted-clock.js';
import { Replica } from './replica.js';
import { GRACE_SECONDS, LIFE_SECONDS, REFRESH } from './scale.js';

export interface ClusterApp {
  readonly name: string;
  readonly appId: string;
  readonly appSecret: string;
  readonly grant: 'classic' | 'stable';
}

export interface ClusterOptions {
  readonly replicas?: number;
  /** Default: one of each grant, named by it. */
  readonly apps?: readonly Pick<ClusterApp, 'name' | 'grant'>[];
  readonly refresh?: Readonly<Record<string, number | boolean>>;
  /** Of a token. Long where no rotation may fall due meanwhile. */
  readonly lifeSeconds?: number;
  /** `sentinel`: without proxies to Redis. */
  readonly store?: 'memory' | 'redis' | 'sentinel';
  /** Redis runs on `clock`. */
  readonly hasMovableClock?: boolean;
  readonly logLevel?: string;
}

const USER = { name: 'broker', password: randomBytes(12).toString('hex') };
const DEFAULT_APPS = [
  { name: 'classic', grant: 'classic' },
  { name: 'stable', grant: 'stable' },
] as const;

/** Replicas of the real broker over one Redis, and the simulated platform, which is also the oracle. */
export class Cluster {
  readonly key = newApiKey();
  /** A second caller. */
  readonly otherKey = newApiKey();
  readonly encryptionKey = randomBytes(32).toString('base64');
  readonly redisUser = USER.name;
  readonly redisPassword = USER.password;
  readonly replicas: Replica[] = [];
  private readonly proxies: FaultProxy[] = [];

  private constructor(
    readonly apps: readonly ClusterApp[],
    readonly simulator: WechatSimulator,
    private readonly server: RedisServer | null,
    readonly sentinel: RedisSentinel | null,
    readonly clock: ShiftedClock | null,
    private readonly options: ClusterOptions,
  ) {}

  /** The replicas are made but not started. */
  static async create(options: ClusterOptions = {}): Promise<Cluster> {
    const { replicas = 3, store = 'redis', lifeSeconds = LIFE_SECONDS } = options;
    const apps = (options.apps ?? DEFAULT_APPS).map((app) => ({ ...app, ...newApp() }));
    const simulator = new WechatSimulator({
      apps,
      expiresInSeconds: lifeSeconds,
      graceSeconds: GRACE_SECONDS,
      dayQuota: 100_000,
    });
    await simulator.start();
    const clock = options.hasMovableClock ? new ShiftedClock() : null;
    const redis = {
      ...(clock && { env: clock.env }),
      users: [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`],
    };
    const server = store === 'redis' ? await RedisServer.start(redis) : null;
    const sentinel = store === 'sentinel' ? await RedisSentinel.start(redis) : null;
    const cluster = new Cluster(apps, simulator, server, sentinel, clock, options);
    for (let index = 0; index < replicas; index++) await cluster.addReplica(`replica-${String(index)}`);
    return cluster;
  }

  /** Whether the replicas share a store. */
  get isShared(): boolean {
    return this.server !== null || this.sentinel !== null;
  }

  get redis(): RedisServer {
    if (!this.server) throw new Error('This cluster has no Redis of its own');
    return this.server;
  }

  /** Not started. */
  async addReplica(name: string): Promise<Replica> {
    const toPlatform = await FaultProxy.start(Number(new URL(this.simulator.url).port));
    const toRedis = this.server && (await FaultProxy.start(this.server.port));
    this.proxies.push(toPlatform, ...(toRedis ? [toRedis] : []));
    const replica = new Replica({
      name,
      port: await freePort(),
      key: this.key,
      toPlatform,
      toRedis,
      config: this.config(toPlatform, toRedis),
    });
    this.replicas.push(replica);
    return replica;
  }

  /** Resolves when all replicas are ready. */
  async start(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.start()));
    await Promise.all(this.replicas.map((replica) => replica.ready()));
  }

  replica(index: number): Replica {
    const replica = this.replicas[index];
    if (!replica) throw new Error(`There is no replica ${String(index)}`);
    return replica;
  }

  app(name: string): ClusterApp {
    const app = this.apps.find((one) => one.name === name);
    if (!app) throw new Error(`There is no app ${name}`);
    return app;
  }

  /** All tokens that the platform ever issued to this app in its grant, oldest first. */
  tokens({ appId, grant }: ClusterApp): TokenReport[] {
    return this.simulator.tokens({ appId, family: grant });
  }

  /** Requests for a token that the platform acted on. */
  fetches({ appId }: ClusterApp): number {
    return this.simulator.calls(appId).fetches;
  }

  /** Requests for a token that arrived at the platform, whatever became of them. */
  requests({ appId, grant }: ClusterApp): number {
    const path = grant === 'stable' ? '/cgi-bin/stable_token' : '/cgi-bin/token';
    return this.simulator.calls(appId).counts.find((count) => count.path === path)?.requests ?? 0;
  }

  /** Every replica's way to Redis. */
  get waysToRedis(): FaultProxy[] {
    return this.replicas.flatMap(({ toRedis }) => toRedis ?? []);
  }

  /** Takes the lease away from whoever holds one. */
  async loseLeases(): Promise<void> {
    const keys = await this.redis.client.keys('*lease*');
    if (keys.length === 0) throw new Error('There is no lease to lose');
    await this.redis.client.del(...keys);
  }

  /** Ends every fault of the network and of the platform, and whatever was frozen. */
  async heal(): Promise<void> {
    this.simulator.clearFaults();
    this.server?.thaw();
    for (const replica of this.replicas) replica.thaw();
    await Promise.all(this.proxies.map((proxy) => proxy.heal()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.kill()));
    await Promise.all([
      ...this.proxies.map((proxy) => proxy.stop()),
      this.server?.stop(),
      this.sentinel?.stop(),
      this.simulator.stop(),
    ]);
  }

  private config(toPlatform: FaultProxy, toRedis: FaultProxy | null): object {
    const apiBaseUrl = `http://127.0.0.1:${String(toPlatform.port)}`;
    const refresh = { ...REFRESH, ...this.options.refresh };
    const config = brokerConfig({
      apps: this.apps.map((app) => ({ ...app, apiBaseUrl, refresh })),
      keys: { orders: this.key, billing: this.otherKey },
      server: { logLevel: this.options.logLevel ?? 'debug' },
    });
    const redis = this.sentinel
      ? {
          sentinels: this.sentinel.endpoints,
          name: this.sentinel.name,
          username: USER.name,
          password: USER.password,
        }
      : toRedis && { url: this.redis.url(USER, toRedis.port) };
    if (!redis) return config;
    return { ...config, redis, encryption: { keys: [{ id: 'k1', key: this.encryptionKey }] } };
  }
}
