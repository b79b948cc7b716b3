import http from 'node:http';
import https from 'node:https';
import tls, { type ConnectionOptions } from 'node:tls';
import { type Socket, connect as connectTcp, isIP } from 'node:net';
import type { Pool } from 'undici';
import type { EgressSection } from '../../config/egress.section.js';
import { faultOfCode, faultOfProxy, faultOfProxyStatus, type FaultId } from './network-fault.js';
import { hostOf, portOf, proxyFor, type ProxyServer } from './proxy-server.js';

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
  private readonly connector: Connector;
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
    this.connector.change(section);
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

const MAX_SESSIONS = 100;

/** How long a connection may take to come up. */
interface ConnectOptions {
  /** For each of its steps: TCP, the proxy's answer, TLS. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** No connection came up, TLS and certificate included: nothing of a request has left. `why` follows "No connection to …:". */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';

  constructor(
    readonly fault: FaultId,
    readonly why: string,
  ) {
    super(why);
  }
}

/** By the text of the CA: apps mostly have the same one, and reading all of Node's authorities takes milliseconds. */
const contexts = new Map<string, WeakRef<tls.SecureContext>>();

/** Trusts these authorities beside those of Node. */
function contextWith(ca: string): tls.SecureContext {
  const known = contexts.get(ca)?.deref();
  if (known) return known;
  for (const [text, context] of contexts) if (!context.deref()) contexts.delete(text);
  const made = tls.createSecureContext({ ca: [...tls.getCACertificates('default'), ca] });
  contexts.set(ca, new WeakRef(made));
  return made;
}

/** Brings up connections to platforms: directly, or in a tunnel through a proxy (CONNECT), whatever their scheme. */
class Connector {
  private section: EgressSection = DIRECTLY;
  /** Only with a CA of its own. */
  private secureContext: tls.SecureContext | undefined;
  /** By origin; with one a handshake is cheaper. */
  private sessions: Map<string, Buffer> | null = null;

  constructor(section: EgressSection) {
    this.change(section);
  }

  /** The next connection goes by the section. TLS sessions last while the same authorities are trusted. */
  change(section: EgressSection): void {
    this.section = section;
    const secureContext = section.ca && contextWith(section.ca.value());
    if (secureContext === this.secureContext) return;
    this.secureContext = secureContext;
    this.sessions = null;
  }

  /**
   * A connection over which an HTTP request can be sent.
   *
   * @param target its scheme, host and port count
   * @throws ConnectFailure
   */
  async connect(target: URL, options: ConnectOptions): Promise<Socket> {
    const socket = await this.bringUp(target, options);
    // With Nagle's algorithm, small requests wait for an acknowledgement that the platform may hold back for 40 ms.
    return socket.setNoDelay(true);
  }

  private async bringUp(target: URL, options: ConnectOptions): Promise<Socket> {
    const proxy = proxyFor(this.section, target);
    const way = proxy ? `, through the proxy ${authorityOf(proxy.host, proxy.port)}` : '';
    const address = { host: hostOf(target), port: portOf(target) };
    const tunnel = proxy && (await this.tunnel(proxy, address, options));
    if (target.protocol !== 'https:') {
      return tunnel ?? up(connectTcp({ ...address, ...this.local }), 'connect', options, way);
    }
    const key = target.origin;
    const socket = tls.connect({
      ...(tunnel ? { socket: tunnel, host: address.host } : { ...address, ...this.local }),
      ...this.trust(address.host),
      ...(this.sessions?.has(key) && { session: this.sessions.get(key) }),
    });
    socket.on('session', (session: Buffer) => {
      const sessions = (this.sessions ??= new Map<string, Buffer>());
      sessions.delete(key);
      if (sessions.size >= MAX_SESSIONS) sessions.delete(sessions.keys().next().value ?? '');
      sessions.set(key, session);
    });
    return up(socket, 'secureConnect', options, way);
  }

  private get local(): { readonly localAddress?: string; readonly family?: number } {
    const { localAddress } = this.section;
    return localAddress === undefined ? {} : { localAddress, family: isIP(localAddress) };
  }

  private trust(host: string): ConnectionOptions {
    return {
      ...(this.secureContext && { secureContext: this.secureContext }),
      ...(isIP(host) === 0 && { servername: host }),
      // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot give secrets away.
      rejectUnauthorized: true,
      ALPNProtocols: ['http/1.1'],
    };
  }

  private tunnel(
    proxy: ProxyServer,
    target: { readonly host: string; readonly port: number },
    { timeoutMs, signal }: ConnectOptions,
  ): Promise<Socket> {
    const authority = authorityOf(target.host, target.port);
    const about = `the proxy ${authorityOf(proxy.host, proxy.port)}`;
    return new Promise((resolve, reject) => {
      const request = (proxy.isTls ? https : http).request({
        method: 'CONNECT',
        host: proxy.host,
        port: proxy.port,
        path: authority,
        headers: {
          host: authority,
          ...(proxy.authorization && { 'proxy-authorization': proxy.authorization }),
        },
        agent: false,
        timeout: timeoutMs,
        ...this.local,
        ...(proxy.isTls && this.trust(proxy.host)),
        ...(signal && { signal }),
      });
      let isUp = false;
      request.once('socket', (socket) => {
        socket.once(proxy.isTls ? 'secureConnect' : 'connect', () => {
          isUp = true;
        });
      });
      request.once('timeout', () => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })));
      request.once('connect', ({ statusCode = 0 }, socket: Socket, head: Buffer) => {
        if (statusCode >= 200 && statusCode <= 299) {
          if (head.length > 0) socket.unshift(head);
          socket.setTimeout(0);
          resolve(socket.on('error', () => undefined));
          return;
        }
        socket.destroy();
        const why = `${about} answered CONNECT with HTTP status ${String(statusCode)}`;
        reject(new ConnectFailure(faultOfProxyStatus(statusCode), why));
      });
      request.on('error', (error) => {
        const { code, why } = troubleOf(error, timeoutMs, signal);
        const what = isUp ? ' gave no answer to CONNECT: ' : ': ';
        reject(new ConnectFailure(faultOfProxy(faultOfCode(code)), about + what + why));
      });
      request.end();
    });
  }
}

/** Resolves once it is up. Closes it otherwise. */
function up<S extends Socket>(
  socket: S,
  upEvent: 'connect' | 'secureConnect',
  { timeoutMs, signal }: ConnectOptions,
  way: string,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const end = (code: string): void => {
      socket.destroy(Object.assign(new Error(), { code }));
    };
    const onAbort = (): void => {
      end('ABORT_ERR');
    };
    const onError = (error: Error): void => {
      signal?.removeEventListener('abort', onAbort);
      const { code, why } = troubleOf(error, timeoutMs, signal);
      reject(new ConnectFailure(faultOfCode(code), why + way));
    };
    socket.setTimeout(timeoutMs, () => {
      end('ETIMEDOUT');
    });
    // Stays: one that breaks before somebody uses it must not end the process.
    socket.on('error', onError);
    socket.once(upEvent, () => {
      signal?.removeEventListener('abort', onAbort);
      socket.setTimeout(0);
      resolve(socket);
    });
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
  });
}

/** Of the error of a socket, which may be that of its deadline. */
function troubleOf(
  error: Error,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): { readonly code: string; readonly why: string } {
  if (signal?.aborted)
    return { code: 'ETIMEDOUT', why: `given up at the deadline of ${String(timeoutMs)} ms` };
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? { code, why: code } : { code: '', why: 'unknown error' };
}

function authorityOf(host: string, port: number): string {
  return `${isIP(host) === 6 ? `[${host}]` : host}:${String(port)}`;
}
