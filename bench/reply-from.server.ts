/** @fastify/reply-from alone: whatever is asked goes to UPSTREAM with the token put in, and the answer gets the gateway's two headers. */
import replyFrom from '@fastify/reply-from';
import { fastify } from 'fastify';

const app = fastify({ keepAliveTimeout: 72_000 });
await app.register(replyFrom, { base: process.env.UPSTREAM ?? '' });
app.all('/*', (request, reply) =>
  reply.from(undefined, {
    queryString: (search) => `${search ?? ''}&access_token=${process.env.TOKEN ?? ''}`,
    rewriteHeaders: (headers) => ({ ...headers, 'x-request-id': request.id, 'x-token-generation': '1' }),
  }),
);
console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
