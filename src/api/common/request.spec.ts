import { describe, expect, it } from '@jest/globals';
import { createFastifyAdapter } from './create-fastify-adapter.js';
import type { AuditOrigin } from '../../core/ports/audit-entry.js';
import { originOf } from './request.js';

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

  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['anything, 203.0.113.7', '203.0.113.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['<script>', '10.0.0.7'],
    ['unknown', '10.0.0.7'],
    ['203.0.113.7:4711', '10.0.0.7'],
    [`fe80::1%${'x'.repeat(15_000)}`, '10.0.0.7'],
    ['x'.repeat(15_000), '10.0.0.7'],
    ['', '10.0.0.7'],
  ])(
    'a trusted proxy that forwards for %.20s is believed as far as that is an address',
    async (given, remote) => {
      const fastify = createFastifyAdapter({ trustProxy: ['10.0.0.7'], replica: 'replica-1' }).getInstance();
      fastify.get('/', (request, reply) => reply.send(originOf(request)));
      const headers = { 'x-forwarded-for': given };
      const response = await fastify.inject({ url: '/', remoteAddress: '10.0.0.7', headers });
      await fastify.close();
      const origin = response.json<AuditOrigin>();
      expect(origin.remote).toBe(remote);
      expect(origin.via?.length).toBeLessThan(200);
    },
  );
});
