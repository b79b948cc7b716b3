import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AuditTrail } from './audit-trail.js';
import { HttpProblem } from './http-problem.js';
import { originOf } from './origin-of.js';
import { routeOf } from './route-of.js';
import { sendProblem } from './send-problem.js';
import { UnseenAppError } from '../auth/unseen-app.error.js';

/** The one filter: every error of a route, of Nest and of Fastify ends here. What nobody foresaw is logged, and only there described. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  constructor(private readonly audit: AuditTrail) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const fault = wrongMethod(request) ?? error;
    const { sendError = sendProblem } = request.routeOptions.config;
    const { code, status } = sendError(fault, http.getResponse<FastifyReply>());
    if (error instanceof UnseenAppError) {
      this.audit.record({
        action: 'access.refused',
        client: request.client?.name ?? null,
        app: error.app,
        status,
        reason: code,
        route: routeOf(request),
        origin: originOf(request),
      });
    }
    if (code !== 'internal_error') return;
    this.logger.error(`Request ${request.id} failed: ${request.method} ${routeOf(request)}`, error);
  }
}

/** A path that is there, asked with a method that it does not have. */
function wrongMethod({ is404, server, url }: FastifyRequest): HttpProblem | undefined {
  if (!is404) return undefined;
  const [path = ''] = url.split('?');
  const allowed = ['GET', 'POST'].filter((method) => server.hasRoute({ method, url: path }));
  if (allowed.length === 0) return undefined;
  const methods = allowed.join(', ');
  return new HttpProblem('method_not_allowed', `This path takes ${methods}.`, {
    headers: { allow: methods },
  });
}
