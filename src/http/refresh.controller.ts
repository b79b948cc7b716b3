import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { Clock } from '../core/clock.js';
import { TokenBroker } from '../core/token-broker.js';
import type { ReportAnswer, ReportReason } from '../core/token-report.js';
import type { AppName } from '../core/token.js';
import { Caller } from './caller.decorator.js';
import type { ClientAccess } from './client-access.js';
import { Gatekeeper } from './gatekeeper.js';
import { HttpProblem } from './http-problem.js';
import { JsonBodyPipe } from './json-body.pipe.js';
import { RefreshRequest } from './refresh-request.dto.js';
import { RequireScope } from './require-scope.decorator.js';
import { tokenView, type TokenView } from './token-view.js';

/** A token, and whether it is a new one. */
export interface RefreshView extends TokenView {
  readonly refreshed: boolean;
  readonly reason: ReportReason;
}

/** Callers report here that the platform refused their token. */
@Controller('token')
export class RefreshController {
  constructor(
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
    private readonly gatekeeper: Gatekeeper,
  ) {}

  @Post('refresh')
  @HttpCode(200)
  @RequireScope('token:refresh')
  async refresh(
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(RefreshRequest)) body: RefreshRequest,
  ): Promise<RefreshView> {
    const force = body.force ?? false;
    if (force) this.gatekeeper.demand(client, 'token:admin', '/token/refresh');
    const app = client.app(body.app ?? undefined);
    const answer = await this.broker.report(app, {
      caller: client.name,
      generation: body.generation ?? undefined,
      accessToken: body.access_token ?? undefined,
      errcode: body.errcode ?? undefined,
      force,
    });
    return this.view(app, answer);
  }

  private view(app: AppName, answer: ReportAnswer): RefreshView {
    const nowMs = this.clock.monotonicMs();
    if (answer.kind === 'answered') {
      return { ...tokenView(app, answer.token, nowMs), refreshed: answer.refreshed, reason: answer.reason };
    }
    throw new HttpProblem('refresh_budget_exhausted', answer.detail, {
      retryAfterSeconds: answer.retryAfterSeconds,
      members: answer.token === null ? {} : tokenView(app, answer.token, nowMs),
    });
  }
}
