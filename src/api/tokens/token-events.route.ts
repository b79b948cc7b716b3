import { Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import { Authenticator } from '../auth/api-key.guard.js';
import { Callers } from '../auth/callers.js';
import { ClientLimits } from '../limits/client-limits.js';
import {
  TOKEN_EVENTS,
  auditEntry,
  originOf,
  type Query,
  AuditTrail,
  HttpObserver,
  RequestTracing,
} from '../common/request.js';
import { TokenEventStreams } from './token-event-streams.js';
import type { AppName } from '../../core/token.js';
import { HttpProblem } from '../common/problem.js';
import { OPEN_EVENTS } from './tokens.api.js';

const HEAD = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-store',
  // nginx would keep events back until a buffer is full.
  'x-accel-buffering': 'no',
  // Nothing follows on this connection, so it ends with the stream.
  connection: 'close',
};

/** Their names fit into the head of a request. */
const MAX_NAMED = 200;

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
    const named = appsNamed(request.query.app);
    const apps = named === '*' ? client.apps : named.map((app) => client.app(app));
    if (named !== '*') for (const app of apps) this.streams.follow(app);
    reply.raw.once('close', this.limits.openStream(client.name, originOf(request).remote));
    reply.hijack();
    reply.raw.writeHead(200, { ...HEAD, 'x-request-id': request.id });
    const [app, ...others] = apps;
    if (named !== '*' && app !== undefined && others.length === 0) {
      const isAllowed = () => this.callers.isAllowed(request.raw, OPEN_EVENTS.access, app);
      this.streams.open(app, reply.raw, generationOf(request.headers['last-event-id']), isAllowed);
    } else {
      this.streams.openForMany(apps, reply.raw, async () => {
        const now = await this.callers.allowed(request.raw, OPEN_EVENTS.access);
        if (now === undefined || named === '*') return now?.apps;
        const visible = apps.filter((one) => now.visibleApp(one) !== undefined);
        return visible.length > 0 ? visible : undefined;
      });
    }
    // It has begun, and that is what is measured: how long it lasts is up to the reader.
    this.observer.request(TOKEN_EVENTS, request.method, 200, reply.elapsedTime);
    this.tracing.of(request.raw)?.end(TOKEN_EVENTS, request.method, 200);
    const action = 'events.open';
    if (named === '*') this.audit.record(auditEntry(request, { action, app: null, reason: 'all_apps' }, 200));
    else {
      for (const one of apps) {
        const token = this.broker.held(one)?.record;
        this.audit.record(auditEntry(request, { action, app: one, token }, 200));
      }
    }
  }
}

/** Undefined: the one that the caller means by naming none. Each name once. */
function appsNamed(app: string | string[] | undefined): readonly (AppName | undefined)[] | '*' {
  if (app === '*') return '*';
  const names = [...new Set([app].flat())];
  if (names.includes('*')) {
    throw new HttpProblem('invalid_request', 'app=* means all apps: name no other beside it.');
  }
  if (names.length > MAX_NAMED) {
    const detail = `Name at most ${MAX_NAMED} apps, or all of them with app=*.`;
    throw new HttpProblem('invalid_request', detail);
  }
  return names;
}

/** 0 for all that is no generation: a browser sends back the last `id` that it saw, from any server. */
function generationOf(lastEventId: string | string[] | undefined): number {
  const generation = /^\d{1,16}$/.test(String(lastEventId)) ? Number(lastEventId) : 0;
  return Number.isSafeInteger(generation) ? generation : 0;
}
