import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { Clock } from '../../core/ports/clock.js';
import { TokenBroker } from '../../core/broker.js';
import type { ReportAnswer } from '../../core/reports/token-report.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { Caller, Authenticator } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import { Api } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import type { AuditedAct } from '../common/request.js';
import { REFRESH, tokenView, withoutToken, type RefreshView, RefreshRequest } from './tokens.api.js';

/** Callers report here that the platform refused their token. */
@Controller('token')
export class RefreshController {
  constructor(
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
    private readonly authenticator: Authenticator,
  ) {}

  @Post('refresh')
  @HttpCode(200)
  @Api(REFRESH)
  async refresh(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(RefreshRequest)) body: RefreshRequest,
  ): Promise<RefreshView> {
    const force = body.force ?? false;
    if (force) this.authenticator.requireScope(request, client, 'token:admin');
    const app = client.app(body.app ?? undefined);
    const report = {
      caller: client.name,
      generation: body.generation ?? undefined,
      accessToken: body.access_token ?? undefined,
      errcode: body.errcode ?? undefined,
      force,
    };
    const audited: AuditedAct = {
      action: force ? 'token.force' : 'token.report',
      app,
      errcode: report.errcode,
    };
    request.audited = audited;
    const answer = await this.broker.report(app, report);
    if (answer.kind === 'answered') {
      const { generation, value } = answer.token.record;
      Object.assign(audited, { reason: answer.reason, token: { generation, value } });
    }
    return this.view(client, app, answer);
  }

  private view(client: ClientAccess, app: AppName, answer: ReportAnswer): RefreshView {
    const show = (held: HeldToken) => {
      const view = tokenView(app, held, this.clock.monotonicMs());
      return client.may('token:read') ? view : withoutToken(view);
    };
    if (answer.kind === 'answered') {
      return {
        ...show(answer.token),
        refreshed: answer.refreshed,
        reason: answer.reason,
        detail: answer.note,
      };
    }
    throw new HttpProblem('refresh_budget_exhausted', answer.detail, {
      retryAfterSeconds: answer.retryAfterSeconds,
      members: answer.token === null ? {} : show(answer.token),
    });
  }
}
