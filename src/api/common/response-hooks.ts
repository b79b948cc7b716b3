import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { requestContext } from '../../core/request-context.js';
import { Callers } from '../auth/callers.js';
import { AuditTrail, HttpObserver, RequestTracing } from './ports.js';
import { Readiness } from '../health/readiness.js';
import { auditEntry, isStream, routeOf } from './request.js';
import { secretsOf } from './secrets-of.js';

/** What all requests and answers have in common. The token route writes its own headers, but is counted here too. */
@Injectable()
export class ResponseHooks implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly observer: HttpObserver,
    private readonly readiness: Readiness,
    private readonly tracing: RequestTracing,
    private readonly audit: AuditTrail,
    private readonly callers: Callers,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    fastify.addHook('onRequest', (request, _reply, done) => {
      const isCallerKnown = (): boolean => this.callers.of(request.raw).kind === 'ok';
      this.tracing.begin(request.raw, isCallerKnown);
      done();
    });
    // Not earlier: reading a body loses the context.
    fastify.addHook('preValidation', (request, _reply, done) => {
      const context = {
        requestId: request.id,
        trace: this.tracing.of(request.raw),
        secrets: () => secretsOf(request),
      };
      requestContext.run(context, done);
    });
    fastify.addHook('onSend', (request, reply, payload, done) => {
      reply.header('x-request-id', request.id);
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
      if (this.readiness.isStopping) reply.header('connection', 'close');
      if (request.audited) this.audit.record(auditEntry(request, request.audited, reply.statusCode));
      done(null, payload);
    });
    fastify.addHook('onResponse', (request, reply, done) => {
      const route = routeOf(request);
      const isCountedAlready = isStream(route) && reply.statusCode === 200;
      if (!isCountedAlready) {
        this.observer.request(route, request.method, reply.statusCode, reply.elapsedTime);
        this.tracing.of(request.raw)?.end(route, request.method, reply.statusCode);
      }
      done();
    });
  }
}
