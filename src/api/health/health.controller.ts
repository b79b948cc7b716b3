import { Controller, Get, Req, Res, Module } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Clock, othersTurn } from '../../core/ports/clock.js';
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

/** Apps whose states are written before others have their turn. */
const APPS_AT_A_TIME = 200;

/** Kubernetes' probes. Liveness asks nobody: a restart cures neither the platform nor the store. */
@Controller('health')
class HealthController {
  /** As JSON, without the brackets. */
  private readonly states: OnceASecond<Promise<string>>;

  constructor(
    private readonly broker: TokenBroker,
    private readonly readiness: Readiness,
    private readonly adminPort: AdminPort,
    clock: Clock,
  ) {
    this.states = new OnceASecond(clock, () => this.readStates());
  }

  @Get('live')
  @Api(LIVE)
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Api(READY)
  async ready(@Req() { raw }: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const states = this.adminPort.isForOperators(raw) ? await this.states.get() : null;
    const { state } = this.readiness;
    if (state === 'ready') reply.headers({ 'content-type': 'application/json; charset=utf-8' });
    else reply.code(503).headers({ 'content-type': 'application/problem+json', 'retry-after': '1' });
    const answer =
      state === 'ready' ? { status: 'ready' } : problem(state, NOT_READY[state], { retryAfterSeconds: 1 });
    const json = JSON.stringify(answer);
    const whole = states === null ? json : `${json.slice(0, -1)},"apps":[${states}]}`;
    void reply.header('cache-control', 'no-store').send(Buffer.from(whole));
  }

  private async readStates(): Promise<string> {
    const { apps } = this.broker;
    const states: string[] = [];
    for (const app of apps) {
      states.push(JSON.stringify({ app, state: this.broker.state(app) }));
      if (states.length % APPS_AT_A_TIME > 0) continue;
      await othersTurn();
      // Apps may be gone by now.
      if (this.broker.apps !== apps) return this.readStates();
    }
    return states.join(',');
  }
}

@Module({ controllers: [HealthController], providers: [Readiness], exports: [Readiness] })
export class HealthModule {}
