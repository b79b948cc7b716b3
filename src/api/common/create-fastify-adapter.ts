import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ServerTlsSection } from '../../config/server.section.js';
import { answerClientError } from './answer-client-error.js';
import { tlsOptions } from './listener.js';
import { givenRequestId } from './request.js';
import { FORM } from './api-route.js';
import { HttpProblem } from './problem.js';
import { parseJson } from './json-body.pipe.js';
import { NOT_AS_JSON, sendProblem } from './problem.filter.js';

/** A report with the longest token is a third of it. */
const BODY_LIMIT_BYTES = 16 * 1024;
/** For the whole of a request, head and body, to arrive. */
const REQUEST_TIMEOUT_MS = 10_000;
/** So much later than it should a request that is too slow may be ended. */
const TIMEOUT_LATENESS = 0.1;
/** Longer than load balancers keep idle connections (60 s is usual), so that they and not we close them. */
const KEEP_ALIVE_TIMEOUT_MS = 72_000;

export interface FastifyAdapterSettings {
  /** False, true, or the CIDRs of the proxies in front. Fastify ignores a number. */
  readonly trustProxy: boolean | readonly string[];
  /** Names this replica, in the ids of requests that bring none. */
  readonly replica: string;
  /** Milliseconds for a request to arrive; other than 10 s for tests. */
  readonly requestTimeoutMs?: number;
  /** Left out: HTTP. */
  readonly tls?: ServerTlsSection | undefined;
  /** Answers a URL that cannot be decoded; false: the broker's own answer will do. */
  readonly answerBadUrl?: (request: FastifyRequest, reply: FastifyReply) => boolean;
}

function serverOptions(requestTimeoutMs: number): ServerOptions {
  return {
    headersTimeout: requestTimeoutMs,
    connectionsCheckingInterval: requestTimeoutMs * TIMEOUT_LATENESS,
    // Checked by `answerInTurn`: Node's own refusal has no body, and passes all listeners.
    requireHostHeader: false,
  };
}

/** One more server that treats its callers as the adapter's does. */
export function createServer(tls: ServerTlsSection | undefined, listener: RequestListener): Server {
  const options = {
    ...serverOptions(REQUEST_TIMEOUT_MS),
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
  };
  const server = tls
    ? createHttpsServer({ ...options, ...tlsOptions(tls) }, listener)
    : createHttpServer(options, listener);
  return server.on('clientError', answerClientError);
}

/** The web server. Create the Nest app with `bodyParser: false`: bodies are parsed here. */
export function createFastifyAdapter({
  trustProxy,
  replica,
  requestTimeoutMs = REQUEST_TIMEOUT_MS,
  tls,
  answerBadUrl,
}: FastifyAdapterSettings): FastifyAdapter {
  let requests = 0;
  const adapter = new FastifyAdapter({
    trustProxy: typeof trustProxy === 'boolean' ? trustProxy : [...trustProxy],
    bodyLimit: BODY_LIMIT_BYTES,
    requestTimeout: requestTimeoutMs,
    http: serverOptions(requestTimeoutMs),
    ...(tls && { https: { ...serverOptions(requestTimeoutMs), ...tlsOptions(tls) } }),
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    // While it shuts down the broker still serves what it has, rather than Fastify's own 503 without Retry-After.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // A URL that cannot be decoded reaches no route and no filter.
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      if (!answerBadUrl?.(request, reply)) sendProblem(error, reply);
    },
    clientErrorHandler: answerClientError,
    genReqId: (request: IncomingMessage) =>
      givenRequestId(request) ?? `${replica}-${String((requests += 1))}`,
  });
  parseBodies(adapter);
  return adapter;
}

/**
 * JSON, and forms, as text, for the routes that declare one. An empty body is no body, whatever its content type says. One that cannot be read becomes the problem to refuse it with, for
 * `JsonBodyPipe`: what a body is like is no business of callers without a key.
 */
function parseBodies(adapter: FastifyAdapter): void {
  const fastify = adapter.getInstance();
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    if (body.length === 0) {
      done(null);
      return;
    }
    const parsed = parseJson(String(body));
    done(null, 'fault' in parsed ? new HttpProblem('invalid_request', parsed.fault) : parsed.value);
  });
  fastify.addContentTypeParser(FORM, { parseAs: 'string' }, (request, body, done) => {
    const { api } = request.routeOptions.config;
    const isWanted = api?.body && 'type' in api.body && api.body.type === FORM;
    done(null, isWanted ? body : notAsJson(body));
  });
  fastify.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, notAsJson(body));
  });
}

function notAsJson(body: string | Buffer): HttpProblem | undefined {
  return body.length === 0 ? undefined : new HttpProblem(...NOT_AS_JSON);
}
