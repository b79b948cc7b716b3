import type { Socket } from 'node:net';
import type { Pool } from 'undici';
import type { EgressSection } from '../../config/egress.section.js';
import { Connector, type ConnectOptions } from './connector.js';

const DIRECTLY: EgressSection = { proxyFromEnvironment: false, environment: null, unusedProxyVariable: null };

/** Calls that one app has under way at a platform at the same time; the next ones wait. */
const MAX_CONNECTIONS = 128;
/** A platform's own hint makes it shorter, never longer; most close a connection much later than that. */
const IDLE_MS = 4000;
/** Platforms retire addresses: a connection is not used for longer than this, and the next one asks DNS again. */
const CONNECTION_LIFE_MS = 60_000;
/** So that a call hears why there is no connection before its own time is over. */
const CONNECT_SHARE = 0.9;

/** How the requests of one app leave for its platform, and the connections that are kept for those that may share one. */
export class Egress {
  private connector: Connector;
  /** By origin and time; null while there is none. */
  private pools: Map<string, Promise<Pool>> | null = null;

  constructor(private section: EgressSection = DIRECTLY) {
    this.connector = new Connector(section);
  }

  /** The variable of the environment that names a proxy which is not used; null if none does. */
  get unusedProxyVariable(): string | null {
    return this.section.unusedProxyVariable;
  }

  /** Holds for every connection from now on. Those that are up live for 60 s at most. */
  change(section: EgressSection): void {
    this.section = section;
    this.connector = new Connector(section);
  }

  /** As `Connector.connect`. */
  connect(target: URL, options: ConnectOptions): Promise<Socket> {
    return this.connector.connect(target, options);
  }

  /** Connections to an origin that are used again and again, one request at a time. */
  pool(origin: string, timeoutMs: number): Promise<Pool> {
    const key = `${origin} ${String(timeoutMs)}`;
    const known = this.pools?.get(key);
    if (known) return known;
    const pool = this.open(origin, timeoutMs).then((opened) => {
      // An empty one takes 35 kB, and there may be ten thousand apps. Calls that have it already can go on with it.
      const forget = (): void => {
        if (this.pools?.get(key) === pool && opened.stats.size === 0 && opened.stats.connected === 0) {
          this.pools.delete(key);
          if (this.pools.size === 0) this.pools = null;
        }
      };
      return opened.on('disconnect', forget).on('connectionError', forget);
    });
    this.pools ??= new Map();
    this.pools.set(key, pool);
    return pool;
  }

  /** Pools that have connections, or had a moment ago. */
  get openPools(): number {
    return this.pools?.size ?? 0;
  }

  /** Loads undici at the first call: commands that only read the configuration import the platforms too, for their keys. */
  private async open(origin: string, timeoutMs: number): Promise<Pool> {
    const { Pool } = await import('undici');
    const target = new URL(origin);
    return new Pool(origin, {
      connections: MAX_CONNECTIONS,
      clientTtl: CONNECTION_LIFE_MS,
      keepAliveTimeout: IDLE_MS,
      keepAliveMaxTimeout: IDLE_MS,
      // The deadline of a call holds for all of it.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (_options, callback) => {
        this.connect(target, { timeoutMs: timeoutMs * CONNECT_SHARE }).then(
          (socket) => {
            callback(null, socket);
          },
          (error: unknown) => {
            callback(error as Error, null);
          },
        );
      },
    });
  }
}
