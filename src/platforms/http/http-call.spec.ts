import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import tls from 'node:tls';
import { SELF_SIGNED } from '../../../test/support/test-certificates.js';
import { PlatformApi } from './platform-api.js';

const ANSWER = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}';

describe('a platform over TLS', () => {
  const systemCertificates = tls.getCACertificates('default');
  let platform: (socket: tls.TLSSocket) => void;
  let received: string;
  let server: tls.Server;
  let baseUrl: string;

  beforeAll(async () => {
    server = tls.createServer(SELF_SIGNED, (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        received += String(chunk);
        platform(socket);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseUrl = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  beforeEach(() => {
    received = '';
    platform = (socket) => socket.end(ANSWER);
  });

  afterEach(() => {
    tls.setDefaultCACertificates(systemCertificates);
  });

  afterAll(() => {
    server.close();
  });

  const call = (timeoutMs: number, apiBaseUrl = baseUrl) =>
    new PlatformApi(apiBaseUrl).fetch(
      { method: 'GET', path: '/cgi-bin/token', query: { secret: 's' } },
      { signal: AbortSignal.timeout(timeoutMs), timeoutMs },
    );
  const trustCertificate = () => {
    tls.setDefaultCACertificates([SELF_SIGNED.cert]);
  };

  it('names scheme, host and port of a platform that it does not reach, and nothing else of the URL', async () => {
    const { cause } = (await call(5000, 'http://127.0.0.1:1/gateway')) as { cause: Error };
    expect(cause.message).toBe('No connection to the platform at http://127.0.0.1:1: ECONNREFUSED.');
  });

  it('reads the answer of a platform whose certificate is trusted', async () => {
    trustCertificate();
    expect(await call(5000)).toEqual({
      kind: 'answered',
      status: 200,
      headers: { 'content-length': '2' },
      body: '{}',
    });
    expect(received).toContain('GET /cgi-bin/token?secret=s HTTP/1.1');
  });

  it('sends nothing to a platform whose certificate is not trusted', async () => {
    const closed = once(server, 'connection').then(([socket]: Socket[]) => socket && once(socket, 'close'));
    expect(await call(5000)).toMatchObject({
      kind: 'not_sent',
      cause: { message: expect.stringContaining('SELF_SIGNED') },
    });
    await closed;
    expect(received).toBe('');
  });

  it('sends nothing to a platform with the certificate of another name', async () => {
    trustCertificate();
    expect(await call(5000, baseUrl.replace('127.0.0.1', 'localhost'))).toMatchObject({
      kind: 'not_sent',
      cause: { message: expect.stringContaining('ERR_TLS_CERT_ALTNAME_INVALID') },
    });
    expect(received).toBe('');
  });

  it.each([
    ['stays silent', () => undefined],
    ['closes the connection', (socket: tls.TLSSocket) => socket.destroy()],
  ])('does not know what became of the request when a trusted platform %s', async (_, behaviour) => {
    trustCertificate();
    platform = behaviour;
    expect((await call(200)).kind).toBe('unknown');
    expect(received).not.toBe('');
  });
});
