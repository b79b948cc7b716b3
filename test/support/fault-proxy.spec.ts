import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.js';
import { FaultProxy } from './fault-proxy.js';

/** Long enough for bytes to arrive that are on their way. */
const QUIET_MS = 30;

describe('FaultProxy', () => {
  let server: Server;
  let seen: string;
  let serverSide: Set<Socket>;
  let proxy: FaultProxy;
  let clients: Client[];

  beforeEach(async () => {
    seen = '';
    serverSide = new Set();
    clients = [];
    server = createServer((socket) => {
      serverSide.add(socket);
      socket.on('error', () => undefined).on('close', () => serverSide.delete(socket));
      socket.setEncoding('utf8').on('data', (text: string) => {
        seen += text;
        socket.write(`re:${text}`);
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    proxy = await FaultProxy.start((server.address() as AddressInfo).port);
  });

  afterEach(async () => {
    for (const { socket } of clients) socket.destroy();
    await proxy.stop();
    for (const socket of serverSide) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });

  class Client {
    received = '';
    end: 'open' | 'ended' | 'reset' | 'refused' = 'open';
    readonly socket = connect({ port: proxy.port, host: '127.0.0.1' });

    constructor() {
      clients.push(this);
      this.socket.setEncoding('utf8').on('data', (text: string) => (this.received += text));
      this.socket.on('end', () => (this.end = 'ended'));
      this.socket.on('error', (error: NodeJS.ErrnoException) => {
        this.end = error.code === 'ECONNREFUSED' ? 'refused' : 'reset';
      });
    }

    async ask(text: string): Promise<void> {
      this.socket.write(text);
      await this.has(`re:${text}`);
    }

    async has(text: string): Promise<void> {
      await eventually(`received ${text}`, () => this.received.includes(text), 1000);
    }

    async is(end: Client['end']): Promise<void> {
      await eventually(end, () => this.end === end, 1000);
    }
  }

  async function connected(): Promise<Client> {
    const client = new Client();
    await client.ask('hello ');
    client.received = '';
    return client;
  }

  it('passes bytes both ways and the end of either side, and counts connections', async () => {
    const client = await connected();
    await connected();
    expect([proxy.accepted, proxy.open]).toEqual([2, 2]);
    client.socket.end();
    await client.is('ended');
    await eventually('one left', () => proxy.open === 1);
    expect(serverSide.size).toBe(1);
    for (const socket of serverSide) socket.end();
    await eventually('none left', () => proxy.open === 0);
  });

  it('delays one direction and keeps the order', async () => {
    const client = await connected();
    await proxy.set({ replies: { delayMs: 80 } });
    const startMs = performance.now();
    client.socket.write('1');
    await eventually('seen', () => seen.endsWith('1'));
    client.socket.write('2');
    await eventually('both seen', () => seen.endsWith('2'));
    expect(performance.now() - startMs).toBeLessThan(80);
    await client.has('re:1re:2');
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(79);
  });

  it('stalls both directions, delivers everything when healed, and keeps the connection', async () => {
    const client = await connected();
    await proxy.set({ requests: 'stall' });
    client.socket.write('late');
    await sleep(QUIET_MS);
    expect(seen).not.toContain('late');
    await proxy.set({ requests: 'pass', replies: 'stall' });
    await eventually('seen', () => seen.includes('late'));
    await sleep(QUIET_MS);
    expect(client.received).toBe('');
    await proxy.heal();
    await client.has('re:late');
    expect(client.end).toBe('open');
  });

  it('delivers what it kept of a client that is gone by then', async () => {
    const client = await connected();
    await proxy.set({ requests: 'stall' });
    client.socket.write('testament');
    await sleep(QUIET_MS);
    client.socket.resetAndDestroy();
    await sleep(QUIET_MS);
    expect(seen).not.toContain('testament');
    await proxy.heal();
    await eventually('seen', () => seen.includes('testament'));
    await eventually('closed', () => proxy.open === 0 && serverSide.size === 0);
  });

  it('is a black hole for old and new connections, and resets them when healed', async () => {
    const old = await connected();
    await proxy.blackHole();
    const fresh = new Client();
    old.socket.write('lost');
    fresh.socket.write('lost');
    await sleep(QUIET_MS);
    expect(seen).not.toContain('lost');
    expect([old.end, fresh.end]).toEqual(['open', 'open']);
    await proxy.heal();
    await old.is('reset');
    await fresh.is('reset');
    await connected();
  });

  it('does not tell the client of a server that is gone', async () => {
    const client = await connected();
    proxy.halfOpen();
    await eventually('gone', () => serverSide.size === 0);
    client.socket.write('lost');
    await sleep(QUIET_MS);
    expect(client.end).toBe('open');
    await connected();
    await proxy.heal();
    await client.is('reset');
  });

  it('refuses connections, on the same port again after it healed', async () => {
    const old = await connected();
    await proxy.refuse();
    await old.is('reset');
    await new Client().is('refused');
    await proxy.heal();
    await connected();
  });

  it('severs what is open and lets new connections pass', async () => {
    const client = await connected();
    proxy.sever();
    await client.is('reset');
    await connected();
  });

  it('ends connections whose server refuses', async () => {
    const lonely = await FaultProxy.start(1);
    const socket = connect({ port: lonely.port, host: '127.0.0.1' });
    await once(socket.resume(), 'end');
    socket.destroy();
    await lonely.stop();
  });

  describe('for one request', () => {
    it('resets before the server sees it', async () => {
      const client = await connected();
      const hit = proxy.next('reset_before');
      client.socket.write('doomed');
      await hit;
      await client.is('reset');
      expect(seen).not.toContain('doomed');
      await connected();
    });

    it('resets instead of the reply, for the request that matches', async () => {
      const client = await connected();
      const hit = proxy.next('reset_after', (bytes) => bytes.includes('doomed'));
      await client.ask('harmless');
      client.socket.write('doomed');
      await hit;
      await client.is('reset');
      expect(seen).toContain('doomed');
      expect(client.received).not.toContain('doomed');
    });

    it('loses the reply and everything behind it on that connection, and no other', async () => {
      const client = await connected();
      const hit = proxy.next('lose_reply');
      client.socket.write('one');
      await hit;
      client.socket.write('two');
      await eventually('seen', () => seen.includes('onetwo'));
      await connected();
      expect([client.received, client.end]).toEqual(['', 'open']);
      await proxy.heal();
      await client.is('reset');
    });

    it('holds the request, or the reply, until it heals', async () => {
      const client = await connected();
      const other = await connected();
      const hits = [proxy.next('hold_request', isNamed('one')), proxy.next('hold_reply', isNamed('two'))];
      client.socket.write('one');
      other.socket.write('two');
      await Promise.all(hits);
      await eventually('seen', () => seen.includes('two'));
      await sleep(QUIET_MS);
      expect(seen).not.toContain('one');
      expect(other.received).toBe('');
      await proxy.heal();
      await client.has('re:one');
      await other.has('re:two');
    });

    it('forgets what it planned when it heals', async () => {
      void proxy.next('reset_before');
      await proxy.heal();
      await connected();
    });
  });
});

function isNamed(text: string): (bytes: Buffer) => boolean {
  return (bytes) => bytes.includes(text);
}
