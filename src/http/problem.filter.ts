import { Catch, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { routeOf } from './route-of.js';
import { sendProblem } from './send-problem.js';

/** The one filter: every error of a route, of Nest and of Fastify ends here. What nobody foresaw is logged, and only there described. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const { code } = sendProblem(error, http.getResponse<FastifyReply>());
    if (code !== 'internal_error') return;
    const request = http.getRequest<FastifyRequest>();
    const stack = error instanceof Error ? error.stack : String(error);
    this.logger.error(`Request ${request.id} failed: ${request.method} ${routeOf(request)}`, stack);
  }
}
