import { Controller, Get } from '@nestjs/common';
import type { AppState } from '../core/app-status.js';
import { TokenBroker } from '../core/token-broker.js';
import type { AppName } from '../core/token.js';
import { HttpProblem } from './http-problem.js';
import { Public } from './public.decorator.js';
import { Readiness } from './readiness.js';

const NOT_READY = {
  starting:
    'Some app has neither a token nor a definite answer from the platform yet, and is waited for a minute.',
  stopping: 'This replica is shutting down: ask another.',
};

/** Kubernetes' probes. Liveness asks nobody: a restart cures neither the platform nor the store. */
@Controller('health')
@Public()
export class HealthController {
  constructor(
    private readonly broker: TokenBroker,
    private readonly readiness: Readiness,
  ) {}

  @Get('live')
  live(): { status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  ready(): { status: 'ready'; apps: { app: AppName; state: AppState }[] } {
    const apps = this.broker.apps.map((app) => ({ app, state: this.broker.status(app).state }));
    const { state } = this.readiness;
    if (state === 'ready') return { status: 'ready', apps };
    throw new HttpProblem(state, NOT_READY[state], { retryAfterSeconds: 1, members: { apps } });
  }
}
