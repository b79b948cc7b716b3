import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { ServerResponse } from 'node:http';
import { ClientLimits } from '../limits/client-limits.js';
import { HttpObserver } from './ports.js';
import { HttpProblem } from './problem.js';
import { isStream, originOf, routeOf } from './request.js';

/** Probes and scrapes wait for nothing, and have to get through when there is trouble. */
const NOT_COUNTED: ReadonlySet<string> = new Set(['/health/live', '/health/ready', '/metrics']);

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
    private readonly limits: ClientLimits,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    const { inFlight, limits } = this;
    const leave = (raw: ServerResponse): void => {
      inFlight.delete(raw);
      limits.leave(raw.req);
    };
    fastify.addHook('preValidation', (request, { raw }, done) => {
      const route = routeOf(request);
      if (isStream(route) || NOT_COUNTED.has(route)) {
        done();
        return;
      }
      if (inFlight.size >= limits.maxInFlight) {
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
      inFlight.add(raw);
      limits.track(raw.req);
      raw.once('close', () => {
        leave(raw);
      });
      done();
    });
    fastify.addHook('onSend', (_request, { raw }, payload, done) => {
      leave(raw);
      done(null, payload);
    });
  }
}
