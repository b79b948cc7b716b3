import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage, OutgoingHttpHeaders, Server, ServerResponse } from 'node:http';
import { Clock } from '../../core/ports/clock.js';
import { TokenBroker } from '../../core/broker.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { answerInTurn, type Handle } from '../common/answer-in-turn.js';
import { Callers } from '../auth/callers.js';
import type { ClientAccess } from '../auth/client-access.js';
import { ClientLimits } from '../limits/client-limits.js';
import { HeldRequests } from '../limits/held-requests.js';
import { problemAnswer } from '../common/problem.filter.js';
import { Authenticator } from '../auth/api-key.guard.js';
import {
  givenRequestId,
  auditEntry,
  viaOf,
  generationParameter,
  remoteOf,
  singleParameter,
  type Query,
  AuditTrail,
  HttpObserver,
  RequestTracing,
} from '../common/request.js';
import { Readiness } from '../health/readiness.js';
import { READ_TOKEN, tokenView } from './tokens.api.js';

const ROUTE = '/token';
const WITH_QUERY = `${ROUTE}?`;
const NAMING_AN_APP = `${WITH_QUERY}app=`;

/** A whole 200 of GET /token, ready to be written. */
interface Answer {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly held: HeldToken;
  /** Until then it says the right number of seconds. */
  readonly untilMonoMs: number;
}

/** Builds each app's answer once per token and second, however many callers ask. */
export class TokenAnswers {
  private readonly kept = new Map<AppName, Answer>();

  /** Called on the hot path. */
  answer(app: AppName, held: HeldToken, nowMonoMs: number): Answer {
    const last = this.kept.get(app);
    if (last?.held === held && nowMonoMs <= last.untilMonoMs) return last;
    const view = tokenView(app, held, nowMonoMs);
    const body = JSON.stringify(view);
    const headers = {
      'content-type': 'application/json; charset=utf-8',
      'cache-control': 'no-store',
      'content-length': String(Buffer.byteLength(body)),
    };
    const fresh = { body, headers, held, untilMonoMs: held.deadlineMonoMs - view.expires_in * 1000 };
    this.kept.set(app, fresh);
    return fresh;
  }
}

/**
 * GET /token: nearly every request there is. A plain Fastify route, without guards, pipes or interceptors, answers each of
 * them. Ahead of it a short cut answers the usual ones, a known key that asks for a token in memory, without the framework;
 * docs/adr/0003-hot-route.md has the measurements.
 */
@Injectable()
export class TokenRoute implements OnModuleInit {
  private readonly answers = new TokenAnswers();
  private readonly logger = new Logger(TokenRoute.name);

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
    private readonly authenticator: Authenticator,
    private readonly callers: Callers,
    private readonly readiness: Readiness,
    private readonly observer: HttpObserver,
    private readonly audit: AuditTrail,
    private readonly tracing: RequestTracing,
    private readonly limits: ClientLimits,
    private readonly held: HeldRequests,
  ) {}

  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost;
    const fastify = httpAdapter.getInstance();
    const options = { config: { api: READ_TOKEN } };
    fastify.get<{ Querystring: Query }>(ROUTE, options, (request, reply) => this.handle(request, reply));
    this.goAhead(httpAdapter.getHttpServer());
  }

  private goAhead(server: Server): void {
    answerInTurn(server, this.observer, (request, response, passOn) => {
      const nowMonoMs = this.clock.monotonicMs();
      if (!this.limits.isAnyoneFlooding(nowMonoMs)) return this.answeredAhead(request, response, nowMonoMs);
      const later: Handle = (request, response) => {
        if (!this.answeredAhead(request, response, this.clock.monotonicMs())) passOn(request, response);
      };
      return this.answeredAhead(request, response, nowMonoMs, later);
    });
  }

  /** Nothing above this catches: an error that got out would end the process. The route handles what fails here, and says why. */
  private answeredAhead(
    request: IncomingMessage,
    response: ServerResponse,
    nowMonoMs: number,
    later?: Handle,
  ): boolean {
    try {
      if (later !== undefined && this.held.hold(request, response, later)) return true;
      return this.answerUsual(request, response, nowMonoMs);
    } catch (error) {
      if (!response.headersSent) return false;
      this.logger.error(error);
      response.destroy();
      return true;
    }
  }

  /** False, and nothing happened, when the request is not a usual one: the route has the last word on those. */
  private answerUsual(request: IncomingMessage, response: ServerResponse, startMs: number): boolean {
    const { method, url = '' } = request;
    const isForToken = url === ROUTE || url.startsWith(WITH_QUERY);
    if (!isForToken || method !== 'GET' || this.readiness.isStopping) return false;
    const who = this.callers.of(request);
    if (who.kind !== 'ok' || !who.client.may(READ_TOKEN.access)) return false;
    if (this.tracing.begin(request, isKnown) !== null) return false;
    const { name } = who.client;
    if (this.limits.mustRefuse(name, startMs)) {
      this.refuse(name, startMs, request, response);
      return true;
    }
    const app = usualApp(url, who.client);
    const held = app === undefined ? undefined : this.broker.held(app);
    if (app === undefined || held === undefined) return false;
    const { reader } = who.identity;
    if (this.audit.isReadDue(name, reader, app, held.record.generation, viaOf(request))) return false;
    // The last question: who is turned away, or goes on to the route, was not counted.
    if (!this.limits.take(name, startMs)) return false;
    who.identity.used(this.clock.wallMs());
    this.audit.readAnswered(name, app);
    this.send(200, this.answers.answer(app, held, startMs), startMs, request, response);
    return true;
  }

  /** As the route does, at the cost of an answer. Its line is written: the route had others of this client before. */
  private refuse(client: string, startMs: number, request: IncomingMessage, response: ServerResponse): void {
    const { status, headers, body } = problemAnswer(
      this.limits.refusal(client, startMs, remoteOf(request.socket)),
    );
    const withLength = { ...headers, 'content-length': body.length };
    this.send(status, { headers: withLength, body }, startMs, request, response);
  }

  private send(
    status: number,
    { headers, body }: { readonly headers: OutgoingHttpHeaders; readonly body: string | Buffer },
    startMs: number,
    request: IncomingMessage,
    response: ServerResponse,
  ): void {
    const requestId = givenRequestId(request);
    if (requestId !== undefined) response.setHeader('x-request-id', requestId);
    response.writeHead(status, headers).end(body);
    this.observer.request(ROUTE, 'GET', status, this.clock.monotonicMs() - startMs);
  }

  private handle(
    request: FastifyRequest<{ Querystring: Query }>,
    reply: FastifyReply,
  ): Promise<void> | undefined {
    const client = this.authenticator.authenticate(request, READ_TOKEN.access);
    const app = client.app(singleParameter(request.query, 'app'));
    const minGeneration = generationParameter(request.query, 'min_generation') ?? 0;
    const held = this.broker.held(app);
    if (held === undefined || held.record.generation < minGeneration) {
      return this.wait(app, minGeneration, request, reply);
    }
    this.sendByRoute(app, held, request, reply);
    return undefined;
  }

  private async wait(
    app: AppName,
    minGeneration: number,
    request: FastifyRequest,
    reply: FastifyReply,
  ): Promise<void> {
    this.sendByRoute(app, await this.broker.current(app, minGeneration), request, reply);
  }

  /** `hijack` leaves out Fastify's reply: serializers and onSend hooks, which have nothing to add here. */
  private sendByRoute(app: AppName, held: HeldToken, request: FastifyRequest, reply: FastifyReply): void {
    this.audit.record(auditEntry(request, { action: 'token.read', app, token: held.record }, 200));
    const { body, headers } = this.answers.answer(app, held, this.clock.monotonicMs());
    reply.hijack();
    reply.raw.setHeader('x-request-id', request.id);
    if (this.readiness.isStopping) reply.raw.setHeader('connection', 'close');
    reply.raw.writeHead(200, headers).end(body);
  }
}

function isKnown(): boolean {
  return true;
}

/** The app of a URL that needs no parsing: aliases are never escaped, so one with escapes or more parameters is no alias. */
function usualApp(url: string, client: ClientAccess): AppName | undefined {
  return client.visibleApp(url === ROUTE ? undefined : url.slice(NAMING_AN_APP.length));
}
