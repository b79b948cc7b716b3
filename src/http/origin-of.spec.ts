import { describe, expect, it } from '@jest/globals';
import { createFastifyAdapter } from './create-fastify-adapter.js';
import { originOf } from './origin-of.js';

describe('where a request came from', () => {
  it.each([
    ['10.0.0.7', '10.0.0.7'],
    ['::ffff:10.0.0.7', '10.0.0.7'],
    ['2001:db8::7', '2001:db8::7'],
  ])('%s is told as %s', async (remoteAddress, remote) => {
    const fastify = createFastifyAdapter({ trustProxy: false, replica: 'replica-1' }).getInstance();
    fastify.get('/', (request, reply) => reply.send(originOf(request)));
    const response = await fastify.inject({ url: '/', remoteAddress });
    await fastify.close();
    expect(response.json()).toMatchObject({ remote });
  });
});
