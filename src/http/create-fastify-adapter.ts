import type { IncomingMessage } from 'node:http';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { answerClientError } from './answer-client-error.js';
import { sendProblem } from './send-problem.js';

/** A report with the longest token is a third of it. */
const BODY_LIMIT_BYTES = 16 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than load balancers keep idle connections (60 s is usual), so that they and not we close them. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;
const SANE_REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export interface FastifyAdapterSettings {
  /** False, true, or the CIDRs of the proxies in front. Fastify ignores a number. */
  readonly trustProxy: boolean | readonly string[];
  /** Names this replica, in the ids of requests that bring none. */
  readonly replica: string;
}

/** The web server. Create the Nest app with `bodyParser: false`: JSON, the only kind of body there is, is parsed here. */
export function createFastifyAdapter({ trustProxy, replica }: FastifyAdapterSettings): FastifyAdapter {
  let requests = 0;
  const adapter = new FastifyAdapter({
    trustProxy: typeof trustProxy === 'boolean' ? trustProxy : [...trustProxy],
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // While it shuts down the broker still serves what it has, rather than Fastify's own 503 without Retry-After.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // A URL that cannot be decoded reaches no route and no filter.
    frameworkErrors: (error: Error, _request: FastifyRequest, reply: FastifyReply) => {
      sendProblem(error, reply);
    },
    clientErrorHandler: answerClientError,
    genReqId: ({ headers }: IncomingMessage) => {
      const given = headers['x-request-id'];
      return typeof given === 'string' && SANE_REQUEST_ID.test(given)
        ? given
        : `${replica}-${String((requests += 1))}`;
    },
  });
  parseOnlyJson(adapter);
  return adapter;
}

/** An empty body is no body, whatever its content type says. */
function parseOnlyJson(adapter: FastifyAdapter): void {
  const fastify = adapter.getInstance();
  const parse = fastify.getDefaultJsonParser('error', 'error');
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) done(null);
    else void parse(request, String(body), done);
  });
}
