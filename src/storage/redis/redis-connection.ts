import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { ConnectionOptions } from 'node:tls';
import { sleep, type Clock } from '../../core/ports/clock.js';
import { StoreUnavailableError } from '../../core/errors.js';
import { rotationChannel } from './keys.js';
import { defineScripts } from './redis-scripts.js';
import { remedyFor } from './remedy-for.js';

/** A command that takes longer is given up; a holder that waited longer for its begin would not send anyway. */
export const COMMAND_TIMEOUT_MS = 800;
/** A timer that is so late says that the process stood still. */
const STANDSTILL_MS = 20;
const GRACE_MS = 250;
const CONNECT_TIMEOUT_MS = 2000;
/** Commands in one write. More would make the first of them wait for too long on a busy replica. */
const MAX_BATCH = 16;
const MAX_RECONNECT_MS = 500;
/** ioredis's own limit only clears away what nobody waits for any more. */
const ABANDONED_AFTER_MS = 2 * COMMAND_TIMEOUT_MS;
const SILENCE = `Redis gave no answer within ${COMMAND_TIMEOUT_MS} ms`;
const NOT_READY = 'connected, but Redis is not ready (it may be loading its data)';

/** No answer came in time: the connection may be half-open. */
class SilenceError extends Error {}

export interface RedisSettings {
  readonly server:
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'sentinel'; readonly sentinels: readonly Endpoint[]; readonly name: string }
    | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] };
  /** For the primary behind sentinels and for cluster; a URL carries its own. */
  readonly username: string | null;
  readonly password: string | null;
  /** For the sentinels themselves. */
  readonly sentinelUsername?: string | null;
  readonly sentinelPassword?: string | null;
  /** `ca` is PEM. */
  readonly tls: { readonly ca: string | null; readonly serverName: string | null } | null;
}

/**
 * Of a cluster. MOVED and ASK are followed, and a command that waits for a slot that is being moved (TRYAGAIN) is sent again
 * for up to 600 ms, which is less than it may take: the node that says so has run nothing.
 */
const SEND_ONCE = {
  enableOfflineQueue: false,
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
  retryDelayOnTryAgain: 100,
  maxRedirections: 7,
};
/** What ioredis says when those are used up. */
const TOO_MANY_REDIRECTIONS = 'Too many Cluster redirections';

/** Its one option that TypeScript cannot spread. */
type Options = Omit<RedisOptions, 'replyMapping'>;

interface RedisFault extends Error {
  /** What Redis refused. */
  readonly command?: { readonly name: string };
  /** The fault of the last node that was asked, when no node of a cluster answers. */
  readonly lastNodeError?: Error;
}

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One connection, or one for each node of a cluster. Every command either answers in time or fails: nothing is queued, nothing is sent twice. */
export class RedisConnection {
  readonly client: Redis | Cluster;
  private trouble: Error | null = null;
  /** ioredis would go on in database 0. */
  private failedSelect: Error | null = null;
  private isReconnecting = false;
  private lost = 0;

  constructor(
    private readonly settings: RedisSettings,
    private readonly clock: Clock,
  ) {
    this.client = connect(settings, {
      commandTimeout: ABANDONED_AFTER_MS,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      // A former primary that became a replica: reconnect, which finds the new one, and send nothing twice. Commands that fail
      // meanwhile fail for this reason.
      reconnectOnError: (error) => {
        const isReplica = error.message.startsWith('READONLY');
        if (isReplica) this.trouble = error;
        return isReplica;
      },
    });
    // The first fault of an attempt to connect is the reason; what ioredis says after it is what follows from that.
    let hasReason = false;
    this.client.on('connecting', () => (hasReason = false));
    this.client.on('error', (error: RedisFault) => {
      if (error.command?.name === 'select') this.failedSelect = error;
      else if (!hasReason) this.trouble = error.lastNodeError ?? error;
      hasReason = true;
    });
    // The way is open again; what Redis itself said, as of a wrong password, still holds.
    this.client.on('connect', () => {
      this.failedSelect = null;
      if (this.trouble && 'syscall' in this.trouble) this.trouble = null;
    });
    const countLoss = (node: Redis | Cluster): unknown => node.on('close', () => (this.lost += 1));
    countLoss(this.client);
    this.client.on('+node', countLoss);
    this.client.on('ready', () => {
      this.trouble = null;
      this.isReconnecting = false;
    });
  }

  /**
   * A connection for subscriptions, which cannot run commands. Subscribe at every `ready`: by itself ioredis would, and
   * crash if it may not.
   *
   * @param retryMs how long to wait before the next attempt to connect
   */
  subscriber(retryMs: () => number): Redis | Cluster {
    const client = connect(this.settings, {
      maxRetriesPerRequest: null,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      retryStrategy: retryMs,
    });
    client.on('error', () => undefined);
    return client;
  }

  /** Commands can be sent. */
  get isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** How often a connection was lost, to any node of a cluster. Redis may have failed over each time. */
  get interruptions(): number {
    return this.lost;
  }

  get isCluster(): boolean {
    return this.settings.server.kind === 'cluster';
  }

  /** Of this process. */
  monotonicMs(): number {
    return this.clock.monotonicMs();
  }

  /** Calls back once after `delayMs`, unless the returned function is called first. */
  after(delayMs: number, callback: () => void): () => void {
    return this.clock.after(delayMs, callback);
  }

  /**
   * Runs what a broker runs, on a key of its own that lives for a second. Throws a `StoreUnavailableError` that names the
   * command which Redis, its user or a proxy does not allow.
   */
  async check(keyPrefix: string): Promise<void> {
    const key = `${keyPrefix}{check}`;
    defineScripts(this.client);
    const { client } = this;
    // What a script may not do is refused without its name, so each is tried by itself first.
    await this.run(() => client.time());
    await this.run(() => client.set(`${key}:state`, 'check', 'PX', 1000));
    await this.run(() => client.get(`${key}:state`));
    await this.run(() => client.exists(`${key}:state`));
    await this.run(() => client.del(`${key}:state`));
    await this.run(() =>
      client.brokerSwap(
        `${key}:state`,
        `${key}:owner`,
        `${key}:lease`,
        '',
        'check',
        1000,
        'check',
        '',
        'check',
      ),
    );
    await this.run(() => client.publish(rotationChannel(keyPrefix), 'check'));
  }

  /** Resolves when commands can be sent, or when it took too long: the broker starts either way. */
  async ready(timeoutMs: number): Promise<void> {
    if (this.client.status === 'ready') return;
    const ready = new Promise((resolve) => this.client.once('ready', resolve));
    await Promise.race([ready, sleep(this.clock, timeoutMs)]);
  }

  /** Runs commands; whatever Redis or the way to it does becomes a `StoreUnavailableError` that says so plainly. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      if (this.failedSelect) throw this.failedSelect;
      return await this.inTime(work);
    } catch (error) {
      const message = this.describe(error);
      throw new StoreUnavailableError(message, { cause: error, remedy: remedyFor(message) });
    }
  }

  /**
   * Rejects when the work takes longer than a command may. A process that stood still for a part of that time, as while it
   * starts, may not even have sent the command: it gets a little more.
   */
  async inTime<T>(work: () => Promise<T>): Promise<T> {
    const { clock } = this;
    let hasStoodStill = false;
    let cancel = (): void => undefined;
    const wait = (ms: number, then: () => void): void => {
      const dueMonoMs = clock.monotonicMs() + ms;
      cancel = clock.after(ms, () => {
        hasStoodStill ||= clock.monotonicMs() - dueMonoMs > STANDSTILL_MS;
        then();
      });
    };
    const silence = new Promise<never>((_resolve, reject) => {
      const giveUp = (): void => {
        reject(new SilenceError(SILENCE));
      };
      // In two parts, so that a pause in the first one does not use up the second.
      wait(COMMAND_TIMEOUT_MS / 2, () => {
        wait(COMMAND_TIMEOUT_MS / 2, () => {
          if (hasStoodStill) wait(GRACE_MS, giveUp);
          else giveUp();
        });
      });
    });
    try {
      return await Promise.race([work(), silence]);
    } finally {
      cancel();
    }
  }

  close(): void {
    this.client.disconnect();
  }

  /** A connection that swallows commands may stay dead for minutes after the way is open again. */
  private reconnect(): void {
    if (this.isReconnecting) return;
    this.isReconnecting = true;
    this.client.disconnect(true);
  }

  private describe(error: unknown): string {
    const { failedSelect } = this;
    if (error instanceof SilenceError) {
      this.trouble = error;
      this.reconnect();
    } else if (failedSelect && error === failedSelect) {
      // Until it works: a person may give Redis more databases, or the user the right.
      this.reconnect();
      return `Redis refused the database of redis.url: ${failedSelect.message}`;
    } else if (error instanceof Error && error.name === 'ReplyError') {
      return `Redis answered: ${error.message}`;
    } else if (error instanceof Error && error.message.startsWith(TOO_MANY_REDIRECTIONS)) {
      return 'Redis Cluster has no node for this command: its slot is being moved';
    }
    if (this.trouble instanceof SilenceError) return SILENCE;
    if (!this.trouble && this.client.status === 'connect') return NOT_READY;
    return `no connection to Redis (${this.trouble?.message ?? this.client.status})`;
  }
}

function connect(settings: RedisSettings, options: Options): Redis | Cluster {
  const { server, username, password, sentinelUsername, sentinelPassword } = settings;
  const tls = tlsOptions(settings);
  const common: Options = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A server that answers nothing does not say goodbye either.
    disconnectTimeout: 100,
    connectionName: 'access-token-broker',
    disableClientInfo: true,
    retryStrategy: (times) => Math.min(MAX_RECONNECT_MS, 50 * 2 ** Math.min(times, 6)),
    maxLoadingRetryTime: MAX_RECONNECT_MS,
    // Without HELLO, which some services do not have.
    protocol: 2,
    ...(tls && { tls }),
    ...options,
  };
  const login = { ...(username && { username }), ...(password && { password }) };
  switch (server.kind) {
    case 'url':
      return batchWrites(withoutInfo(new Redis(server.url, common)));
    case 'sentinel':
      return batchWrites(
        new Redis({
          ...common,
          ...login,
          sentinels: [...server.sentinels],
          name: server.name,
          ...(sentinelUsername && { sentinelUsername }),
          ...(sentinelPassword && { sentinelPassword }),
          sentinelCommandTimeout: CONNECT_TIMEOUT_MS,
          ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
        }),
      );
    case 'cluster':
      return new Cluster([...server.nodes], {
        ...(options.enableOfflineQueue === false && SEND_ONCE),
        redisOptions: { ...common, ...login },
      }).on('+node', batchWrites);
  }
}

/** Some services have no INFO, with which ioredis finds out whether Redis is loading: then it goes without. */
function withoutInfo(client: Redis): Redis {
  return client.on('error', ({ command }: RedisFault) => {
    if (command?.name === 'info') client.options.enableReadyCheck = false;
  });
}

/** Null without TLS. Verified whatever NODE_TLS_REJECT_UNAUTHORIZED says. */
function tlsOptions({ tls, server }: RedisSettings): ConnectionOptions | null {
  if (!tls && !(server.kind === 'url' && /^rediss:/i.test(server.url))) return null;
  return {
    rejectUnauthorized: true,
    ...(tls?.ca && { ca: tls.ca }),
    ...(tls?.serverName && { servername: tls.serverName }),
  };
}

/**
 * Commands of one turn of the event loop leave in one write, in their order, or in a few. A write is a system call, which
 * costs more than the command that it carries.
 */
function batchWrites(client: Redis): Redis {
  return client.on('connect', () => {
    const { stream } = client;
    const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
    let held = 0;
    const flush = (): void => {
      if (held === 0) return;
      held = 0;
      stream.uncork();
    };
    stream.write = (...args: unknown[]) => {
      if (held === 0) {
        stream.cork();
        // Not a time, but what comes after all that has arrived was looked at.
        // eslint-disable-next-line no-restricted-globals
        setImmediate(flush);
      }
      held += 1;
      const isFree = write(...args);
      if (held >= MAX_BATCH) flush();
      return isFree;
    };
  });
}
