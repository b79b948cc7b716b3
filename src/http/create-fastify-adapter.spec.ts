import { createEdge, type Edge } from '../../test/support/create-edge.js';
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

  it('keeps connections longer than load balancers do', () => {
    const { server } = createFastifyAdapter({ trustProxy: false, replica: 'replica-1' }).getInstance();
    expect(server.keepAliveTimeout).toBeGreaterThan(60_000);
    expect(server.requestTimeout).toBeGreaterThan(0);
  });
});
