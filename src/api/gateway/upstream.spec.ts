import { once } from 'node:events';
import http from 'node:http';
import { connect as connectTcp, type AddressInfo, type Socket } from 'node:net';
import { eventually } from '../../../test/support/eventually.js';
import { Upstream } from './upstream.js';

const REQUEST = { method: 'GET', path: '/cgi-bin/user/info', headers: [], body: null } as const;
const WAITING = { onGone: () => undefined };

describe('Upstream', () => {
  let server: http.Server;
  let upstream: Upstream;

  beforeEach(async () => {
    server = http.createServer((_, response) => response.end('{}')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    upstream = new Upstream({
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
          socket.once('error', reject).once('connect', () => {
            resolve(socket);
          });
        }),
    });
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
});
