/** Fastify alone: one route with the answer given in BODY. */
import { fastify } from 'fastify';

const body = process.env.BODY ?? '';

const app = fastify({ keepAliveTimeout: 72_000 });
app.get('/token', (_request, reply) => {
  void reply
    .headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
    .send(body);
});
console.log(`listening on ${await app.listen({ port: 0, host: '127.0.0.1' })}`);
