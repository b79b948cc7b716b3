import { EventEmitter, once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { FaultyLink, type Flow, type LinkFaults, type RequestFault } from './faulty-link.js';
import { freePort } from './free-port.js';

/** `closed`: connections are refused. `swallow`: they are accepted and nothing is behind them. */
export type Door = 'open' | 'closed' | 'swallow';

export interface Faults {
  /** Client to server. */
  readonly requests?: Flow;
  /** Server to client. */
  readonly replies?: Flow;
  /** What new connections find. */
  readonly door?: Door;
}

interface PlannedFault {
  readonly fault: RequestFault;
  readonly matching: (bytes: Buffer) => boolean;
  readonly hit: () => void;
}

const running = new Set<FaultProxy>();

afterAll(async () => {
  await Promise.all([...running].map((proxy) => proxy.stop()));
});

/** A TCP proxy of the loopback address that does to its connections what networks do. Ends with the test file, if not before. */
export class FaultProxy implements LinkFaults {
  requests: Flow = 'pass';
  replies: Flow = 'pass';
  /** Where new connections to the server come from; left out: the machine chooses. */
  localAddress: string | undefined;
  /** Connections ever accepted. */
  accepted = 0;
  private door: Door = 'open';
  private server: Server | null = null;
  private readonly links = new Set<FaultyLink>();
  private planned: PlannedFault[] = [];
  private readonly changes = new EventEmitter().setMaxListeners(0);

  private constructor(
    readonly port: number,
    private readonly targetPort: number,
  ) {}

  static async start(targetPort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(await freePort(), targetPort);
    await proxy.listen();
    running.add(proxy);
    return proxy;
  }

  /** Connections that are open now. */
  get open(): number {
    return this.links.size;
  }

  /** What is left out stays as it is. Holds for the connections that are open, too. */
  async set({ requests, replies, door }: Faults): Promise<void> {
    this.requests = requests ?? this.requests;
    this.replies = replies ?? this.replies;
    this.door = door ?? this.door;
    this.changes.emit('change');
    if (this.door === 'closed') await this.close();
    else await this.listen();
  }

  /** Nothing arrives any more, in no direction, and nobody is told. */
  blackHole(): Promise<void> {
    return this.set({ requests: 'drop', replies: 'drop', door: 'swallow' });
  }

  /** Resets what is open and refuses what comes. */
  async refuse(): Promise<void> {
    await this.set({ door: 'closed' });
    this.sever();
  }

  /** Resets all open connections, at both ends. */
  sever(): void {
    for (const link of this.links) link.reset();
  }

  /** The server forgets the connections that are open; the clients are not told. */
  halfOpen(): void {
    for (const link of this.links) link.forgetServer();
  }

  /** What was kept back goes on its way; connections that lost bytes are reset, since TCP cannot lose any. */
  async heal(): Promise<void> {
    this.planned = [];
    for (const link of this.links) link.heal();
    await this.set({ requests: 'pass', replies: 'pass', door: 'open' });
  }

  /** Plans a fault for the next request that matches; resolves when it has hit one. */
  next(fault: RequestFault, matching: (bytes: Buffer) => boolean = () => true): Promise<void> {
    return new Promise((hit) => this.planned.push({ fault, matching, hit }));
  }

  /** Ends everything. */
  async stop(): Promise<void> {
    running.delete(this);
    const closed = this.close();
    this.sever();
    await closed;
  }

  takeFault(bytes: Buffer): RequestFault | undefined {
    const index = this.planned.findIndex(({ matching }) => matching(bytes));
    const [planned] = index < 0 ? [] : this.planned.splice(index, 1);
    planned?.hit();
    return planned?.fault;
  }

  async changed(): Promise<void> {
    await once(this.changes, 'change');
  }

  private accept(client: Socket): void {
    this.accepted += 1;
    const target =
      this.door === 'swallow' ? null : { port: this.targetPort, localAddress: this.localAddress };
    const link = new FaultyLink(this, client, target);
    this.links.add(link);
    void link.closed.then(() => this.links.delete(link));
  }

  private async listen(): Promise<void> {
    if (this.server) return;
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      this.accept(client);
    });
    this.server.listen(this.port, '127.0.0.1');
    await once(this.server, 'listening');
  }

  private async close(): Promise<void> {
    const { server } = this;
    if (!server) return;
    this.server = null;
    // Its callback would wait for the open connections; the port is free at once.
    server.close();
  }
}
