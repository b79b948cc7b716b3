import fc from 'fast-check';
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../../../test/support/eventually.js';
import { Egress } from './egress.js';
import type { HttpReply } from './http-call.js';
import { PlatformApi } from './platform-api.js';

const deadline = (timeoutMs = 2000) => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });

describe('a call over a kept connection', () => {
  let server: http.Server;
  let api: PlatformApi;
  let egress: Egress;
  let connections: Socket[];
  /** The code of each request that arrived. */
  let arrived: string[];
  let onRequest: (request: http.IncomingMessage, response: http.ServerResponse) => void;

  beforeEach(async () => {
    [connections, arrived] = [[], []];
    onRequest = (_, response) => response.end('{}');
    server = http.createServer((request, response) => {
      arrived.push(new URL(request.url ?? '', 'http://any').searchParams.get('code') ?? '');
      onRequest(request, response);
    });
    server.on('connection', (socket: Socket) => connections.push(socket.on('error', () => undefined)));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    egress = new Egress();
    api = new PlatformApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`, egress);
  });
  afterEach(() => {
    server.close().closeAllConnections();
  });

  const call = (code: string, timeoutMs?: number): Promise<HttpReply> =>
    api.call({ method: 'GET', path: '/sns/jscode2session', query: { code } }, deadline(timeoutMs));

  it('is answered with status, headers and text, and leaves the connection to those after it', async () => {
    const urls: (string | undefined)[] = [];
    onRequest = ({ url }, response) => {
      urls.push(url);
      response.writeHead(200, { 'x-kind': 'test' }).end('{"名":1}');
    };
    const reply = await call('a+b &');
    expect(reply).toMatchObject({
      kind: 'answered',
      status: 200,
      headers: { 'x-kind': 'test' },
      body: '{"名":1}',
    });
    for (let more = 0; more < 8; more += 1) await call('2');
    expect(urls[0]).toBe('/base/sns/jscode2session?code=a%2Bb+%26');
    // One that has just been used rests for a turn of the event loop.
    expect(connections.length).toBeLessThanOrEqual(2);
  });

  it('goes over a new connection when the platform has closed the kept one', async () => {
    await call('1');
    const closed = connections[0] && once(connections[0], 'close');
    server.closeIdleConnections();
    await closed;
    expect(await call('2')).toMatchObject({ kind: 'answered' });
    expect(arrived).toEqual(['1', '2']);
    expect(connections).toHaveLength(2);
  });

  it('keeps nothing of a pool whose last connection has ended', async () => {
    await Promise.all([call('1'), call('2')]);
    expect(egress.openPools).toBe(1);
    server.closeIdleConnections();
    await eventually('forgotten', () => egress.openPools === 0);
    expect(await call('3')).toMatchObject({ kind: 'answered' });

    server.close().closeAllConnections();
    await eventually('forgotten', () => egress.openPools === 0);
    expect(await call('4')).toMatchObject({ kind: 'not_sent' });
    await eventually('forgotten', () => egress.openPools === 0);
  });

  it('closes a connection sooner than the platform says that it will', async () => {
    onRequest = (_, response) => response.writeHead(200, { 'keep-alive': 'timeout=1' }).end('{}');
    await call('1');
    await call('2');
    expect(connections).toHaveLength(2);
  });

  it.each([
    ['closes the connection', (socket: Socket) => socket.end()],
    ['resets the connection', (socket: Socket) => socket.resetAndDestroy()],
    ['stays silent', () => undefined],
  ])(
    'is unknown, and not sent again, when the platform %s with the request in hand',
    async (_, behaviour) => {
      await call('1');
      onRequest = ({ socket }) => behaviour(socket);
      expect(await call('2', 200)).toMatchObject({ kind: 'unknown' });
      onRequest = (_request, response) => response.end('{}');
      expect(await call('3')).toMatchObject({ kind: 'answered' });
      expect(arrived).toEqual(['1', '2', '3']);
    },
  );

  it('that finds no free connection before its deadline was not sent, and is not sent afterwards', async () => {
    const waiting: http.ServerResponse[] = [];
    onRequest = (_, response) => waiting.push(response);
    const first = Array.from({ length: 128 }, (_, at) => call(String(at)));
    const request = { method: 'GET', path: '/', query: { code: 'late' } } as const;
    const late = await api.call(request, { signal: AbortSignal.timeout(100), timeoutMs: 2000 });
    expect(late).toMatchObject({ kind: 'not_sent', cause: { fault: 'connect_timeout' } });
    await eventually('all others', () => waiting.length === 128);
    for (const response of waiting) response.end('{}');
    for (const reply of await Promise.all(first)) expect(reply.kind).toBe('answered');
    await call('last');
    expect(arrived).not.toContain('late');
  });

  it('is given up when its answer is larger than any of a platform', async () => {
    onRequest = (_, response) => response.end('x'.repeat(70_000));
    expect(await call('1')).toMatchObject({ kind: 'unknown', cause: { fault: 'answer_too_large' } });
  });

  it('takes no half of an answer, and nothing that is no HTTP', async () => {
    onRequest = ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{}');
    expect(await call('1')).toMatchObject({ kind: 'unknown', cause: { fault: 'reset' } });
    onRequest = ({ socket }) => socket.end('SSH-2.0-OpenSSH\r\n');
    expect(await call('2')).toMatchObject({ kind: 'unknown', cause: { fault: 'answer_not_http' } });
  });
});

describe('calls at a platform that closes connections whenever it likes', () => {
  it('arrive once where they are answered, at most once where nobody knows, never where they were not sent', async () => {
    /** The platform resets or ends each connection so many milliseconds after it was opened. */
    const lives = fc.array(fc.record({ ms: fc.nat({ max: 12 }), isReset: fc.boolean() }), {
      minLength: 30,
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(lives, async (closings) => {
        const arrived = new Map<string, number>();
        let next = 0;
        const sockets = new Set<Socket>();
        const server = net.createServer((socket) => {
          sockets.add(socket.on('error', () => undefined));
          const { ms, isReset } = closings[next++ % closings.length] ?? { ms: 1, isReset: true };
          setTimeout(() => (isReset ? socket.resetAndDestroy() : socket.end()), ms);
          socket.on('data', (chunk) => {
            const [, code = ''] = /^GET \/\?code=(\d+) /.exec(chunk.toString()) ?? [];
            arrived.set(code, (arrived.get(code) ?? 0) + 1);
            socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}');
          });
        });
        server.listen(0, '127.0.0.1');
        await once(server, 'listening');
        const api = new PlatformApi(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
        const kinds = new Map<string, string>();
        const caller = async (name: number): Promise<void> => {
          for (let at = 0; at < 25; at += 1) {
            const code = String(name * 100 + at);
            const { kind } = await api.call({ method: 'GET', path: '', query: { code } }, deadline());
            kinds.set(code, kind);
            await sleep(at % 3);
          }
        };
        await Promise.all([1, 2, 3].map(caller));
        server.close();
        for (const socket of sockets) socket.destroy();
        for (const [code, kind] of kinds) {
          const times = arrived.get(code) ?? 0;
          if (kind === 'answered') expect(times).toBe(1);
          if (kind === 'unknown') expect(times).toBeLessThanOrEqual(1);
          if (kind === 'not_sent') expect(times).toBe(0);
        }
        expect([...kinds.values()]).toContain('answered');
      }),
      { numRuns: 8 },
    );
  });
});
