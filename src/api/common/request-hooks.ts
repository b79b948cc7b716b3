import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { ClientLimits } from '../limits/client-limits.js';
import { HttpProblem } from './problem.js';
import {
  isStream,
  originOf,
  routeOf,
  auditEntry,
  HttpObserver,
  AuditTrail,
  RequestTracing,
} from './request.js';
import { requestContext } from '../../core/ports/events.js';
import { Callers } from '../auth/callers.js';
import { Readiness } from '../health/readiness.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether it counts among those that are worked on. */
    isInFlight?: boolean;
  }
}

/** Probes and scrapes wait for nothing, and have to get through when there is trouble. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/metrics']);

/**
 * Turns requests away while too many are being worked on: from when the whole of a request is there until its answer is, whether
 * or not its caller reads it.
 */
@Injectable()
export class RequestsInFlight implements OnModuleInit {
  /** A number, and no Set of requests: see `OpenConnections.open`. */
  private inFlight = 0;

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly observer: HttpObserver,
    private readonly limits: ClientLimits,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const { limits } = this;
    const leave = (request: FastifyRequest): void => {
      if (request.isInFlight !== true) return;
      request.isInFlight = false;
      this.inFlight -= 1;
      limits.leave(request.raw);
    };
    fastify.addHook('preValidation', (request, { raw }, done) => {
      const route = routeOf(request);
      if (isStream(route) || NOT_COUNTED.has(route)) {
        done();
        return;
      }
      if (this.inFlight >= limits.maxInFlight) {
        this.observer.overloaded('in_flight', originOf(request).remote);
        done(
          new HttpProblem(
            'overloaded',
            `This replica works on ${limits.maxInFlight} requests, its limits.requestsInFlight: send this one again.`,
            { retryAfterSeconds: 1, members: { limit: 'in_flight' } },
          ),
        );
        return;
      }
      request.isInFlight = true;
      this.inFlight += 1;
      limits.track(request.raw);
      raw.once('close', () => {
        leave(request);
      });
      done();
    });
    fastify.addHook('onSend', (request, _reply, payload, done) => {
      leave(request);
      done(null, payload);
    });
  }
}

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

/** Parameters and fields that open something, on whichever route and whether it takes them or not. */
const NAMES: ReadonlySet<string> = new Set([
  'access_token',
  'binding',
  'client_secret',
  'code',
  'code_verifier',
  'corpsecret',
  'encrypted_data',
  'iv',
  'js_code',
  'refresh_token',
  'secret',
  'session',
  'session_key',
  'state',
  'ticket',
]);
/** All tokens of platforms and of the broker are longer; a shorter text would blank ordinary words. */
const MIN_CHARACTERS = 16;

/** What a request brought, in its URL and its JSON, that no line may show. */
export function secretsOf({ query, body }: FastifyRequest): string[] {
  const fields: [name: string, value: unknown][] = [query, body].flatMap((one) =>
    Object.entries(Object(one) as Record<string, unknown>),
  );
  return fields
    .filter(([name]) => NAMES.has(name))
    .flatMap(([, value]) => (Array.isArray(value) ? (value as unknown[]) : [value]))
    .filter((value) => typeof value === 'string')
    .filter((value) => value.length >= MIN_CHARACTERS);
}
