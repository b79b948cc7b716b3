import type { FastifyRequest } from 'fastify';

/** The pattern of a request's route; `unmatched` for a URL that is none, so that nobody's typing fills a log or a metric. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? 'unmatched';
}
