import { Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Authenticator } from '../auth/api-key.guard.js';
import type { ApiRoute } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import { parameterOf } from './call-target.js';
import { Gateway, type GatewayCall } from './gateway.js';
import { GatewayTickets } from './gateway-tickets.js';

/** The app and, from its slash on, what the platform is asked for. */
const URL_FORM = /^\/gateway\/([a-z0-9][a-z0-9._-]{0,62})(\/.*)$/;
export const CALL_METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'];

const ANYTHING = { schema: { description: "The platform's own." }, type: '*/*' };

const GATEWAY: ApiRoute = {
  access: 'gateway',
  summary: "A call to the app's platform, with the token that the caller does not have.",
  description:
    'Path, query and body as the platform documents them, without the token. What a client may call, its `gateway.allow` lists. A token that turns out dead is replaced and the call sent once more; otherwise nothing is sent twice.',
  path: {
    app: { type: 'string', required: true, description: 'Alias of the app.' },
    path: { type: 'string', required: true, description: "The platform's path, of any number of segments." },
  },
  body: ANYTHING,
  answers: {
    200: {
      description:
        'Whatever the platform answers, with its status. `x-token-generation` says with which token, `x-token-retried: 1` that the call was sent twice.',
      ...ANYTHING,
    },
  },
  faults: [
    ['invalid_request', 'The path can be read in two ways: send it without dots as segments.'],
    'unknown_app',
    ['path_not_allowed', 'Client orders may not make this call: no entry of its gateway.allow has it.'],
    ['payload_too_large', 'The body is larger than 33554432 bytes, the maxBodyBytes of this client.'],
    ['too_many_requests', 'Client orders makes more than 50 calls a second.', { retryAfterSeconds: 1 }],
    ['upstream_unavailable', 'The platform cannot be reached: nothing was sent.', { status: 502 }],
    ['upstream_lost', 'The platform broke the connection off. It was sent once.'],
    ['upstream_timeout', 'The platform did not answer in time. It was sent once.'],
    'no_token_yet',
    'token_expired',
  ],
};

/** `ANY /gateway/<app>/<path of the platform>`: calls with an API key instead of a token. */
@Injectable()
export class GatewayRoute implements OnModuleInit {
  constructor(
    private readonly adapterHost: HttpAdapterHost<FastifyAdapter>,
    private readonly authenticator: Authenticator,
    private readonly gateway: Gateway,
    private readonly tickets: GatewayTickets,
  ) {}

  onModuleInit(): void {
    const fastify = this.adapterHost.httpAdapter.getInstance();
    void fastify.register((scope: FastifyInstance, _options, done) => {
      leaveBodies(scope);
      scope.route({
        method: CALL_METHODS,
        url: '/gateway/:app/*',
        config: { api: GATEWAY },
        handler: (request, reply) => this.handle(request, reply),
      });
      done();
    });
  }

  private async handle(request: FastifyRequest, reply: FastifyReply): Promise<unknown> {
    const client = this.authenticator.authenticate(request, 'gateway');
    const [, name, url] = URL_FORM.exec(request.raw.url ?? '') ?? [];
    if (name === undefined || url === undefined) {
      throw new HttpProblem('not_found', 'Name an app and a path of its platform: /gateway/<app>/<path>.');
    }
    const call = this.gateway.read(client.app(name), client, url);
    if (call.rule === 'ticket') return this.ticket(call, request);
    await this.gateway.forward(call, request, reply);
    return reply;
  }

  private ticket({ app, client, target }: GatewayCall, request: FastifyRequest): Promise<object> {
    this.authenticator.requireScope(request, client, 'ticket:read');
    return this.tickets.ticket(app, parameterOf(target.query, 'type') ?? '', request);
  }
}

/** Has the routes of a scope get their bodies unread, whatever their content type says. */
export function leaveBodies(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, _body, done) => {
    done(null);
  });
  // Fastify would refuse one that it cannot read. What is passed on are the raw headers.
  scope.addHook('onRequest', (request, _reply, done) => {
    if (request.headers['content-type'] !== undefined) delete request.headers['content-type'];
    done();
  });
}
