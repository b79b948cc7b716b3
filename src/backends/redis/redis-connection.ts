import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { sleep, type Clock } from '../../core/clock.js';
import { StoreUnavailableError } from '../../core/errors.js';

/** A command that takes longer is given up; a holder that waited longer for its begin would not send anyway. */
const COMMAND_TIMEOUT_MS = 800;
const CONNECT_TIMEOUT_MS = 2000;
const LONGEST_RECONNECT_MS = 500;

export interface RedisSettings {
  readonly server:
    | { readonly kind: 'url'; readonly url: string }
    | { readonly kind: 'sentinel'; readonly sentinels: readonly Endpoint[]; readonly name: string }
    | { readonly kind: 'cluster'; readonly nodes: readonly Endpoint[] };
  /** For sentinel and cluster; a URL carries its own. */
  readonly username: string | null;
  readonly password: string | null;
  /** `ca` is PEM. */
  readonly tls: { readonly ca: string | null; readonly serverName: string | null } | null;
}

/** Its one option that TypeScript cannot spread. */
type Options = Omit<RedisOptions, 'replyMapping'>;

interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** One connection, or one for each node of a cluster. Every command either answers in time or fails: nothing is queued, nothing is sent twice. */
export class RedisConnection {
  readonly client: Redis | Cluster;
  private trouble: string | null = null;
  private isReconnecting = false;

  constructor(
    private readonly settings: RedisSettings,
    private readonly clock: Clock,
  ) {
    this.client = connect(settings, {
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
    });
    this.client.on('error', (error: Error) => {
      this.trouble = error.message;
    });
    this.client.on('ready', () => {
      this.trouble = null;
      this.isReconnecting = false;
    });
  }

  /** A connection for subscriptions, which cannot run commands. Subscribe at every `ready`: by itself ioredis would, and crash if it may not. */
  subscriber(): Redis | Cluster {
    const client = connect(this.settings, { maxRetriesPerRequest: null, autoResubscribe: false });
    client.on('error', () => undefined);
    return client;
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
      return await work();
    } catch (error) {
      throw new StoreUnavailableError(this.describe(error), { cause: error });
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
    const message = error instanceof Error ? error.message : String(error);
    if (message === 'Command timed out') {
      this.reconnect();
      return `Redis gave no answer within ${COMMAND_TIMEOUT_MS} ms`;
    }
    if (error instanceof Error && error.name === 'ReplyError') return `Redis answered: ${message}`;
    return `no connection to Redis (${this.trouble ?? this.client.status})`;
  }
}

function connect({ server, username, password, tls }: RedisSettings, options: Options): Redis | Cluster {
  const common: Options = {
    ...options,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // A server that answers nothing does not say goodbye either.
    disconnectTimeout: 100,
    connectionName: 'access-token-broker',
    disableClientInfo: true,
    // A former primary that became a replica: reconnect, which finds the new one, and send nothing twice.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    retryStrategy: (times) => Math.min(LONGEST_RECONNECT_MS, 50 * 2 ** Math.min(times, 6)),
    ...(tls && {
      tls: { ...(tls.ca && { ca: tls.ca }), ...(tls.serverName && { servername: tls.serverName }) },
    }),
  };
  const login = { ...(username && { username }), ...(password && { password }) };
  switch (server.kind) {
    case 'url':
      return new Redis(server.url, common);
    case 'sentinel':
      return new Redis({ ...common, ...login, sentinels: [...server.sentinels], name: server.name });
    case 'cluster':
      return new Cluster([...server.nodes], {
        enableOfflineQueue: options.enableOfflineQueue ?? true,
        redisOptions: { ...common, ...login },
      });
  }
}
