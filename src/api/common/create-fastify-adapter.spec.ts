import { BareConnection } from '../../../test/support/bare-connection.js';
import { createEdge, type Edge } from '../../../test/support/create-edge.js';
import { createFastifyAdapter } from './create-fastify-adapter.js';

describe('createFastifyAdapter', () => {
  let edge: Edge;

  beforeAll(async () => {
    edge = await createEdge();
  });
  afterAll(() => edge.app.close());

  const requestId = async (given?: string) => {
    const headers = given === undefined ? {} : { 'x-request-id': given };
    const response = await edge.app.inject({ url: '/health/live', headers });
    return response.headers['x-request-id'];
  };

  it('echoes a sane request id', async () => {
    expect(await requestId('Trace-1.2_3')).toBe('Trace-1.2_3');
  });

  it.each(['a b', 'x'.repeat(65), '<script>', ''])('makes its own rather than echo %j', async (given) => {
    const [first, second] = [await requestId(given), await requestId(given)];
    expect(first).toMatch(/^replica-1-\d+$/);
    expect(second).toMatch(/^replica-1-\d+$/);
    expect(second).not.toBe(first);
  });

  it.each([
    [false, '127.0.0.1'],
    [['127.0.0.0/8'], '203.0.113.7'],
    [['10.0.0.0/8'], '127.0.0.1'],
  ])('with trustProxy %j takes %s for the caller', async (trustProxy, ip) => {
    const fastify = createFastifyAdapter({ trustProxy, replica: 'replica-1' }).getInstance();
    fastify.get('/', (request, reply) => reply.send(request.ip));
    const response = await fastify.inject({ url: '/', headers: { 'x-forwarded-for': '203.0.113.7' } });
    await fastify.close();
    expect(response.body).toBe(ip);
  });

  it.each([
    ['nothing', ''],
    ['half a head', 'POST / HTTP/1.1\r\nHost: a\r\n'],
    ['half a body', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nx'],
    ['one character after the other', null],
  ])('ends a request of which %s came in its time, and not much later', async (_, text) => {
    const requestTimeoutMs = 1500;
    const adapter = createFastifyAdapter({ trustProxy: false, replica: 'replica-1', requestTimeoutMs });
    const fastify = adapter.getInstance();
    fastify.post('/', (_request, reply) => reply.send('whole'));
    const url = await fastify.listen({ port: 0, host: '127.0.0.1' });
    const startMs = performance.now();
    const connection = await BareConnection.to(url);
    if (text !== null) connection.write(text);
    let sent = 0;
    const drip = setInterval(() => {
      if (text === null && connection.socket.writable) connection.write('POST / HTTP/1.1'.charAt(sent));
      sent += 1;
    }, 100);
    await connection.closed;
    clearInterval(drip);
    const tookMs = performance.now() - startMs;
    await fastify.close();
    expect(tookMs).toBeGreaterThan(requestTimeoutMs * 0.9);
    expect(tookMs).toBeLessThan(requestTimeoutMs * 2);
    expect(connection.statuses).toEqual([408]);
  });

  it('gives a request ten seconds to arrive, head and body together', () => {
    const { server } = createFastifyAdapter({ trustProxy: false, replica: 'replica-1' }).getInstance();
    expect([server.headersTimeout, server.requestTimeout]).toEqual([10_000, 10_000]);
  });

  it('keeps connections longer than load balancers do', () => {
    const { server } = createFastifyAdapter({ trustProxy: false, replica: 'replica-1' }).getInstance();
    expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
    expect(server.requestTimeout).toBeGreaterThan(0);
  });
});
