import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { HttpObserver } from './ports.js';
import { HttpProblem } from './problem.js';
import { TOKEN_EVENTS, originOf, routeOf } from './request.js';

/** Requests that wait for a token, each with some 10 kB. Far more than the callers of one replica have. */
export const MAX_REQUESTS_IN_FLIGHT = 2000;

/** Streams are meant to last. Probes and scrapes wait for nothing, and have to get through when there is trouble. */
const NOT_COUNTED: ReadonlySet<string> = new Set([TOKEN_EVENTS, '/health/live', '/health/ready', '/metrics']);

/**
 * Turns requests away while too many are being worked on: from when the whole of a request is there until its answer is, whether
 * or not its caller reads it.
 */
@Injectable()
export class RequestsInFlight implements OnModuleInit {
  private readonly inFlight = new Set<object>();

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly observer: HttpObserver,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const { inFlight } = this;
    fastify.addHook('preValidation', (request, { raw }, done) => {
      if (NOT_COUNTED.has(routeOf(request))) {
        done();
        return;
      }
      if (inFlight.size >= MAX_REQUESTS_IN_FLIGHT) {
        this.observer.overloaded('in_flight', originOf(request).remote);
        done(
          new HttpProblem('overloaded', 'This replica works on too many requests.', { retryAfterSeconds: 1 }),
        );
        return;
      }
      inFlight.add(raw);
      raw.once('close', () => inFlight.delete(raw));
      done();
    });
    fastify.addHook('onSend', (_request, { raw }, payload, done) => {
      inFlight.delete(raw);
      done(null, payload);
    });
  }
}
