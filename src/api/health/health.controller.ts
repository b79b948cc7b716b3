import { Controller, Get, Req, Res, Module } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock } from '../../core/ports/clock.js';
import { TokenBroker } from '../../core/broker.js';
import { AdminPort } from '../common/admin-port.js';
import { OnceASecond } from '../common/once-a-second.js';
import { problem } from '../common/problem.js';
import { appState } from '../apps/apps.controller.js';
import { Api, type ApiRoute } from '../common/api-route.js';
import { oneOf, text } from '../common/schema.js';
import { Readiness } from './readiness.js';

const NOT_READY = {
  starting:
    'Some app has neither a token nor a definite answer from the platform yet, and is waited for a minute.',
  stopping: 'This replica is shutting down: ask another.',
};

const LIVE: ApiRoute = {
  access: 'public',
  port: 'both',
  summary: 'Whether the process runs',
  answers: {
    200: {
      description: 'It does',
      schema: { type: 'object', properties: { status: text } },
      example: { status: 'ok' },
    },
  },
};

const READY: ApiRoute = {
  access: 'public',
  port: 'both',
  summary: 'Whether this replica wants requests',
  description: 'Where `server.adminPort` is configured, `apps` is there alone.',
  answers: {
    200: {
      description: 'It does',
      schema: {
        title: 'Ready',
        type: 'object',
        properties: {
          status: oneOf('ready'),
          apps: {
            type: 'array',
            items: { type: 'object', properties: { app: text, state: appState } },
          },
        },
      },
      example: { status: 'ready', apps: [{ app: 'shop', state: 'ok' }] },
    },
  },
  faults: [
    ['starting', NOT_READY.starting, { retryAfterSeconds: 1 }],
    ['stopping', NOT_READY.stopping, { retryAfterSeconds: 1 }],
  ],
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** Kubernetes' probes. Liveness asks nobody: a restart cures neither the platform nor the store. */
@Controller('health')
class HealthController {
  private readonly answerWithApps: OnceASecond<Answer>;

  constructor(
    private readonly broker: TokenBroker,
    private readonly readiness: Readiness,
    private readonly adminPort: AdminPort,
    clock: Clock,
  ) {
    this.answerWithApps = new OnceASecond(clock, () => {
      const apps = this.broker.apps.map((app) => ({ app, state: this.broker.state(app) }));
      return this.answer({ apps });
    });
  }

  @Get('live')
  @Api(LIVE)
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Api(READY)
  ready(@Req() { raw }: FastifyRequest, @Res() reply: FastifyReply): void {
    const { status, headers, bytes } = this.adminPort.isForOperators(raw)
      ? this.answerWithApps.get(this.readiness.state)
      : this.answer({});
    void reply
      .code(status)
      .headers({ ...headers, 'cache-control': 'no-store' })
      .send(bytes);
  }

  private answer(members: object): Answer {
    const { state } = this.readiness;
    if (state === 'ready') {
      const headers = { 'content-type': 'application/json; charset=utf-8' };
      return { status: 200, headers, bytes: Buffer.from(JSON.stringify({ status: 'ready', ...members })) };
    }
    const fault = problem(state, NOT_READY[state], { retryAfterSeconds: 1 });
    const headers = { 'content-type': 'application/problem+json', 'retry-after': '1' };
    return { status: fault.status, headers, bytes: Buffer.from(JSON.stringify({ ...fault, ...members })) };
  }
}

@Module({ controllers: [HealthController], providers: [Readiness], exports: [Readiness] })
export class HealthModule {}
