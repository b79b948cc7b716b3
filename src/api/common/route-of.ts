import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Problem } from './problem.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is a form, which the route gets as text. Elsewhere a form is no body. */
    takesForm?: true;
    /** Sends this route's errors in a form of its own, instead of application/problem+json. */
    sendError?: (error: unknown, reply: FastifyReply) => Pick<Problem, 'code' | 'status'>;
  }
}

/** The pattern of a request's route; `unmatched` for a URL that is none, so that nobody's typing fills a log or a metric. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched';
}
