import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import { AuditTrail, HttpObserver, RequestTracing } from '../common/ports.js';
import { Authenticator } from '../auth/authenticator.js';
import { Callers } from '../auth/callers.js';
import { ClientLimits } from '../limits/client-limits.js';
import { TOKEN_EVENTS, auditEntry, originOf, singleParameter, type Query } from '../common/request.js';
import { TokenEventStreams } from './token-event-streams.js';
import { OPEN_EVENTS } from './tokens.api.js';

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // nginx would keep events back until a buffer is full.
  'x-accel-buffering': 'no',
  // Nothing follows on this connection, so it ends with the stream.
  connection: 'close',
};

/** GET /token/events: the token, pushed on every rotation. A plain Fastify route, as GET /token is. */
@Injectable()
export class TokenEventsRoute implements OnModuleInit, BeforeApplicationShutdown {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly broker: TokenBroker,
    private readonly authenticator: Authenticator,
    private readonly callers: Callers,
    private readonly streams: TokenEventStreams,
    private readonly observer: HttpObserver,
    private readonly audit: AuditTrail,
    private readonly tracing: RequestTracing,
    private readonly limits: ClientLimits,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const handle = (request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply): void => {
      this.handle(request, reply);
    };
    // Without HEAD: its answer would never end.
    const options = { exposeHeadRoute: false, config: { api: OPEN_EVENTS } };
    fastify.get<{ Querystring: Query }>(TOKEN_EVENTS, options, handle);
  }

  /** Called when the fetches that were sent have come back, and before the server waits for open answers to end. */
  beforeApplicationShutdown(): void {
    this.streams.end();
  }

  private handle(request: FastifyRequest<{ Querystring: Query }>, reply: FastifyReply): void {
    const client = this.authenticator.authenticate(request, OPEN_EVENTS.access);
    const app = client.app(singleParameter(request.query, 'app'));
    this.streams.follow(app);
    reply.raw.once('close', this.limits.openStream(client.name, originOf(request).remote));
    reply.hijack();
    reply.raw.writeHead(200, { ...HEAD, 'x-request-id': request.id });
    const isAllowed = () => this.callers.isAllowed(request.raw, OPEN_EVENTS.access, app);
    this.streams.open(app, reply.raw, generationOf(request.headers['last-event-id']), isAllowed);
    // It has begun, and that is what is measured: how long it lasts is up to the reader.
    this.observer.request(TOKEN_EVENTS, request.method, 200, reply.elapsedTime);
    this.tracing.of(request.raw)?.end(TOKEN_EVENTS, request.method, 200);
    this.audit.record(
      auditEntry(request, { action: 'events.open', app, token: this.broker.held(app)?.record }, 200),
    );
  }
}

/** 0 for whatever is no generation: a browser sends back the last `id` that it saw, wherever it came from. */
function generationOf(lastEventId: string | string[] | undefined): number {
  const generation = /^\d{1,16}$/.test(String(lastEventId)) ? Number(lastEventId) : 0;
  return Number.isSafeInteger(generation) ? generation : 0;
}
