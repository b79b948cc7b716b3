import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A status to refuse with; `reset` before an answer, `reset_after` it; `silent`; `garbage` in place of HTTP. */
export type ProxyMood = 'open' | 'reset' | 'reset_after' | 'silent' | 'garbage' | number;

const running = new Set<ConnectProxy>();

afterAll(async () => {
  await Promise.all([...running].map((proxy) => proxy.stop()));
});

/** A forward proxy of the loopback address for CONNECT alone. Ends with the test file, if not before. */
export class ConnectProxy {
  mood: ProxyMood = 'open';
  /** `user:password` that it asks for. */
  login: string | null = null;
  /** `host:port` of each CONNECT. */
  readonly targets: string[] = [];
  /** All that went through its tunnels, in both directions. */
  seen = '';
  private readonly sockets = new Set<Duplex>();

  private constructor(
    private readonly server: http.Server,
    private readonly scheme: 'http' | 'https',
  ) {
    server.on('connect', (request: http.IncomingMessage, socket: Socket) => {
      this.onConnect(request, socket);
    });
    server.on('connection', (socket: Socket) => this.track(socket));
    running.add(this);
  }

  /** @param tls speaks TLS itself, with this key and certificate */
  static async start(tls?: { readonly key: string; readonly cert: string }): Promise<ConnectProxy> {
    const server = tls ? https.createServer(tls) : http.createServer();
    const proxy = new ConnectProxy(server, tls ? 'https' : 'http');
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  get url(): string {
    return `${this.scheme}://${this.address}`;
  }

  /** Ends what goes through it now. */
  sever(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    if (!running.delete(this)) return;
    this.server.close();
    this.sever();
    await once(this.server, 'close');
  }

  private onConnect({ url = '', headers }: http.IncomingMessage, socket: Socket): void {
    this.targets.push(url);
    const { mood, login } = this;
    const given = headers['proxy-authorization'];
    const isKnown = login === null || given === `Basic ${Buffer.from(login).toString('base64')}`;
    const refusal = typeof mood === 'number' ? mood : isKnown ? null : 407;
    if (mood === 'silent') return;
    if (mood === 'reset') return void socket.resetAndDestroy();
    if (mood === 'garbage') return void socket.end('SSH-2.0-OpenSSH_9.9\r\n');
    if (refusal !== null)
      return void socket.end(`HTTP/1.1 ${String(refusal)} No\r\ncontent-length: 0\r\n\r\n`);
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(url) ?? [];
    const target = this.track(connect(Number(port), host.replace(/^\[(.*)\]$/, '$1')));
    target.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (mood === 'reset_after') return void socket.resetAndDestroy();
      socket.pipe(target).pipe(socket);
      for (const side of [socket, target])
        side.on('data', (chunk: Buffer) => (this.seen += chunk.toString('latin1')));
    });
    target.once('close', () => socket.destroy());
    socket.once('close', () => target.destroy());
  }

  private track<S extends Duplex>(socket: S): S {
    this.sockets.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
    return socket;
  }
}
