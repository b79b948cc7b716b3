import { EventEmitter, once } from 'node:events';
import http, { type ServerResponse } from 'node:http';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { eventually } from '../../../test/support/eventually.js';
import { CallerConnection } from './caller-connection.js';
import { failureOf, Upstream } from './upstream.js';

const REQUEST = { method: 'GET', path: '/cgi-bin/user/info', headers: [], body: null } as const;
const WAITING = { onGone: () => undefined };

describe('Upstream', () => {
  let server: http.Server;
  let upstream: Upstream;
  let isSilent: boolean;
  /** Those to the platform. */
  let sockets: Socket[];
  let clock: ManualClock;
  let settings: ConstructorParameters<typeof Upstream>[0];

  beforeEach(async () => {
    [isSilent, sockets] = [false, []];
    const answer: http.RequestListener = (_, response) => (isSilent ? undefined : response.end('{}'));
    server = http.createServer(answer).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    clock = new ManualClock();
    settings = {
      profile: {
        baseUrl: `http://127.0.0.1:${port}`,
        token: { kind: 'query', parameter: 'access_token' },
        ruleOf: () => 'open',
        errcodeOf: () => null,
      },
      timeoutMs: 2000,
      connect: () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connectTcp(port, '127.0.0.1');
          sockets.push(socket);
          socket.once('error', reject).once('connect', () => {
            resolve(socket);
          });
        }),
    };
    upstream = new Upstream(settings, clock);
  });
  afterEach(async () => {
    await upstream.close();
    server.close().closeAllConnections();
  });

  const send = () => upstream.send({ ...REQUEST, headers: [] }, WAITING);

  it('holds nothing before the first call and after its last connection', async () => {
    expect(upstream.isOpen).toBe(false);
    expect((await send()).status).toBe(200);
    expect(upstream.isOpen).toBe(true);

    server.closeIdleConnections();
    await eventually('forgotten', () => !upstream.isOpen);
    expect((await send()).status).toBe(200);

    server.close().closeAllConnections();
    await eventually('forgotten', () => !upstream.isOpen);
    await expect(send()).rejects.toMatchObject({ name: 'NotConnected' });
    await eventually('forgotten', () => !upstream.isOpen);
  });

  it('makes new connections after a minute, and lets a call that is under way end over its own', async () => {
    await send();
    await clock.advance(60_000);
    await send();
    expect(sockets).toHaveLength(1);

    isSilent = true;
    const arrived = once(server, 'request');
    const slow = send();
    const [, response] = (await arrived) as [unknown, ServerResponse];
    isSilent = false;
    await clock.advance(1);
    const old = [...sockets];
    await send();
    expect(sockets).toHaveLength(old.length + 1);
    response.end('{}');
    expect((await slow).status).toBe(200);
    await eventually('the old ones are closed', () => old.every(({ destroyed }) => destroyed));
    expect(sockets.at(-1)?.destroyed).toBe(false);
  });

  it('breaks an answer off of which nothing more comes, and one that does not begin', async () => {
    const hasty = new Upstream({ ...settings, timeoutMs: 500 }, clock, 500);
    const ask = () => hasty.send({ ...REQUEST, headers: [] }, WAITING);
    isSilent = true;
    await expect(ask().catch(failureOf)).resolves.toBe('timeout');

    const arrived = once(server, 'request') as Promise<[unknown, ServerResponse]>;
    const answer = ask();
    const [, response] = await arrived;
    response.writeHead(200, { 'content-length': 100 }).write('file');
    const { rest } = await answer;
    const [error] = (await once(rest ?? new EventEmitter(), 'error')) as [Error];
    expect([failureOf(error), rest?.destroyed]).toEqual(['timeout', true]);
    await hasty.close();
  });

  it('ends all connections at a stop, old ones too', async () => {
    isSilent = true;
    const arrived = once(server, 'request');
    const slow = send();
    await arrived;
    isSilent = false;
    await clock.advance(60_001);
    await send();
    await Promise.all([upstream.close(), expect(slow).rejects.toThrow()]);
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });

  it('ends the call in the very moment in which its caller is gone: no timer and no turn of the event loop lies between', async () => {
    isSilent = true;
    const arrived = once(server, 'request');
    const response = new EventEmitter() as ServerResponse;
    const caller = new CallerConnection(response);
    const answer = upstream.send({ ...REQUEST, headers: [] }, caller);
    const [request] = (await arrived) as [http.IncomingMessage];
    const closed = once(request.socket, 'close');
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([false]);
    response.emit('close');
    expect(sockets.map(({ destroyed }) => destroyed)).toEqual([true]);
    await expect(answer).rejects.toThrow('given up');
    await closed;
  });

  it('sends nothing for a caller that is gone before there is a connection', async () => {
    const response = new EventEmitter() as ServerResponse;
    const caller = new CallerConnection(response);
    let requests = 0;
    server.on('request', () => (requests += 1));
    const answer = upstream.send({ ...REQUEST, headers: [] }, caller);
    response.emit('close');
    await expect(answer).rejects.toThrow('given up');
    expect(requests).toBe(0);
    expect((await send()).status).toBe(200);
    expect(requests).toBe(1);
  });
});
