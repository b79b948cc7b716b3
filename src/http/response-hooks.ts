import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { HttpObserver } from './http-observer.js';
import { Readiness } from './readiness.js';
import { routeOf } from './route-of.js';

/** What every answer has in common. The token route writes its own headers, but is counted here too. */
@Injectable()
export class ResponseHooks implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly observer: HttpObserver,
    private readonly readiness: Readiness,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    fastify.addHook('onSend', (request, reply, payload, done) => {
      reply.header('x-request-id', request.id);
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
      if (this.readiness.isStopping) reply.header('connection', 'close');
      done(null, payload);
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      this.observer.request(routeOf(request), request.method, reply.statusCode, reply.elapsedTime);
      done();
    });
  }
}
