import { Catch, Logger, type ArgumentsHost, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HttpProblem, problem, type Problem, type ProblemCode } from './problem.js';
import { routeOf } from './request.js';
import { UnseenAppError } from '../auth/client-access.js';
import { BrokerError } from '../../core/errors.js';
import { LoginError } from '../../core/login/login-error.js';

/** The one filter: every error of a route, of Nest and of Fastify ends here. What nobody foresaw is logged, and only there described. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const fault = wrongMethod(request) ?? error;
    const { code } = describeProblem(fault);
    if (error instanceof UnseenAppError) {
      request.audited = { action: 'access.refused', app: error.app, reason: error.code };
    } else if (request.audited) request.audited.reason ??= code;
    const { sendError = sendProblem } = request.routeOptions.config;
    sendError(fault, http.getResponse<FastifyReply>());
    if (code !== 'internal_error') return;
    this.logger.error(`Request ${request.id} failed: ${request.method} ${routeOf(request)}`, error);
  }
}

/** A path that is there, asked with a method that it does not have. HEAD is not named: it goes with GET. */
function wrongMethod({ is404, method: asked, server, url }: FastifyRequest): HttpProblem | undefined {
  // Null where there is none, whatever its type says.
  const takes = (method: string): boolean => Boolean(server.findRoute({ method, url }));
  // A route may find out by itself that there is nothing.
  if (!is404 || takes(asked)) return undefined;
  const allowed = server.supportedMethods.filter((method) => method !== 'HEAD' && takes(method));
  if (allowed.length === 0) return undefined;
  const methods = allowed.join(', ');
  return new HttpProblem('method_not_allowed', `This path takes ${methods}.`, {
    headers: { allow: methods },
  });
}

const UNREADABLE: readonly [ProblemCode, string] = [
  'invalid_request',
  'The request cannot be read: check its URL, and that its body is JSON.',
];

export const NOT_AS_JSON: readonly [ProblemCode, string] = [
  'unsupported_media_type',
  'Send the body as JSON, with "Content-Type: application/json".',
];

/** What Nest, Fastify and their plugins refuse. Their own texts repeat the URL, where a token may stand, so they are not passed on. */
const BY_STATUS: Readonly<Record<number, readonly [ProblemCode, string]>> = {
  401: ['unauthorized', 'Send a known API key as "Authorization: Bearer <key>".'],
  403: ['forbidden', 'This API key may not do that.'],
  404: ['not_found', 'No such route: check the path.'],
  405: ['method_not_allowed', 'This route does not know that method.'],
  408: ['request_timeout', 'The request took too long to arrive: send it again.'],
  413: ['payload_too_large', 'The body is larger than 16 KiB.'],
  414: ['uri_too_long', 'The URL is too long.'],
  415: NOT_AS_JSON,
};

/** Answers with application/problem+json, whatever was thrown. */
export function sendProblem(error: unknown, reply: FastifyReply): void {
  const { status, headers, body } = problemAnswer(error);
  void reply.code(status).headers(headers).send(body);
}

/** The body as bytes: to a string of JSON Fastify would add a charset, which this media type does not have. */
export function problemAnswer(error: unknown): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
} {
  const answer = describeProblem(error);
  const extra = error instanceof HttpProblem ? error.options : {};
  const headers = {
    ...(answer.retry_after !== undefined && { 'retry-after': String(answer.retry_after) }),
    'content-type': 'application/problem+json',
    'cache-control': 'no-store',
    ...extra.headers,
  };
  return {
    status: answer.status,
    headers,
    body: Buffer.from(JSON.stringify({ ...answer, ...extra.members })),
  };
}

/** What went wrong, whatever was thrown, in the words of the broker. */
export function describeProblem(error: unknown): Problem {
  if (error instanceof HttpProblem) return problem(error.code, error.message, error.options);
  if (error instanceof BrokerError || error instanceof LoginError)
    return problem(error.code, error.message, error);
  const status = statusOf(error);
  if (status === undefined || status < 400 || status >= 500) {
    return problem('internal_error', 'The broker failed at this request. Its log says why.');
  }
  return problem(...(BY_STATUS[status] ?? UNREADABLE));
}

function statusOf(error: unknown): number | undefined {
  if (error instanceof HttpException) return error.getStatus();
  const claimed = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  return typeof claimed === 'number' ? claimed : undefined;
}
