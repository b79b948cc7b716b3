import { once } from 'node:events';
import type { Socket } from 'node:net';
import { BareConnection } from '../../../test/support/bare-connection.js';
import { apiClient, createEdge, keyOf } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { Callers } from './callers.js';

describe('a caller that hangs up while its JWT is verified', () => {
  it('takes no place of its client', async () => {
    const edge = await createEdge({ clients: [apiClient('orders')], limits: { streamsPerClient: 1 } });
    await edge.app.listen(0, '127.0.0.1');
    const url = await edge.app.getUrl();
    const callers = edge.app.get(Callers);
    let verified: (() => void) | undefined;
    callers.verify = () => new Promise((resolve) => (verified = resolve));
    const server = edge.app.getHttpServer();
    const connected = once(server, 'connection') as Promise<[Socket]>;
    const caller = await BareConnection.to(url);
    const [socket] = await connected;
    const stream = `GET /token/events?app=shop HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${keyOf('orders')}\r\n\r\n`;
    caller.write(stream);
    await eventually('being verified', () => verified);
    caller.socket.destroy();
    await once(socket, 'close');
    verified?.();

    callers.verify = () => undefined;
    const next = await BareConnection.to(url);
    next.write(stream);
    await eventually('an answer', () => next.received.length > 0);
    expect(next.received).toMatch(/^HTTP\/1\.1 200 /);
    next.socket.destroy();
    await edge.app.close();
  });
});
