import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../core/clock.js';
import { TokenBroker } from '../core/token-broker.js';
import type { AppName, HeldToken } from '../core/token.js';
import { Gatekeeper } from './gatekeeper.js';
import { generationParameter, singleParameter, type Query } from './query-parameters.js';
import { Readiness } from './readiness.js';
import { TokenAnswers } from './token-answers.js';

const ROUTE = '/token';

/**
 * GET /token: nearly every request there is. So it is a plain Fastify route, without guards, pipes or interceptors, and
 * while a token is in memory it makes no promise and builds no JSON: the ready answer goes straight to the socket.
 */
@Injectable()
export class TokenRoute implements OnModuleInit {
  private readonly answers = new TokenAnswers();

  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
    private readonly gatekeeper: Gatekeeper,
    private readonly readiness: Readiness,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    fastify.get<{ Querystring: Query }>(ROUTE, (request, reply) => this.handle(request, reply));
  }

  private handle(
    request: FastifyRequest<{ Querystring: Query }>,
    reply: FastifyReply,
  ): Promise<void> | undefined {
    const client = this.gatekeeper.admit(request.raw.headers.authorization, 'token:read', ROUTE);
    const app = client.app(singleParameter(request.query, 'app'));
    const minGeneration = generationParameter(request.query, 'min_generation') ?? 0;
    const held = this.broker.held(app);
    if (held === undefined || held.record.generation < minGeneration) {
      return this.wait(app, minGeneration, reply);
    }
    this.send(app, held, reply);
    return undefined;
  }

  private async wait(app: AppName, minGeneration: number, reply: FastifyReply): Promise<void> {
    this.send(app, await this.broker.current(app, minGeneration), reply);
  }

  /** `hijack` leaves out Fastify's reply: serializers and onSend hooks, which have nothing to add here. */
  private send(app: AppName, held: HeldToken, reply: FastifyReply): void {
    const { body, headers } = this.answers.answer(app, held, this.clock.monotonicMs());
    reply.hijack();
    if (this.readiness.isStopping) reply.raw.setHeader('connection', 'close');
    reply.raw.writeHead(200, headers).end(body);
  }
}
