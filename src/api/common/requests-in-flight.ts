import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyRequest } from 'fastify';
import { ClientLimits } from '../limits/client-limits.js';
import { HttpObserver } from './ports.js';
import { HttpProblem } from './problem.js';
import { isStream, originOf, routeOf } from './request.js';

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
