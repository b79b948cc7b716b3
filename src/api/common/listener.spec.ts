import { describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { listenHost } from './listener.js';

describe('the address to listen on', () => {
  it('is the configured one, whatever the machine has', async () => {
    expect(await listenHost('10.0.0.7', () => Promise.resolve(false))).toBe('10.0.0.7');
  });

  it('is 0.0.0.0 on a machine without IPv6', async () => {
    expect(await listenHost(null, (address) => Promise.resolve(address !== '::'))).toBe('0.0.0.0');
  });

  it('is reached over IPv4 and over IPv6 if none is configured', async () => {
    const server = createServer((socket) => socket.end()).listen(0, await listenHost(null));
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    for (const address of ['127.0.0.1', '::1']) {
      const socket = connect(port, address).resume();
      await once(socket, 'close');
      expect(socket.bytesRead).toBe(0);
    }
    server.close();
  });
});
