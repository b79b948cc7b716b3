import { Body, Controller, HttpCode, Post, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuditEntry } from '../../core/ports/audit-entry.js';
import { Clock } from '../../core/ports/clock.js';
import { BrokerError } from '../../core/errors.js';
import { TokenBroker } from '../../core/broker.js';
import type { ReportAnswer, ReportReason, TokenReport } from '../../core/reports/token-report.js';
import type { AppName, HeldToken } from '../../core/token.js';
import { AuditTrail } from '../common/audit-trail.js';
import { Caller } from '../auth/caller.decorator.js';
import type { ClientAccess } from '../auth/client-access.js';
import { Gatekeeper } from '../auth/gatekeeper.js';
import { HttpProblem } from '../common/http-problem.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { originOf } from '../common/origin-of.js';
import { problem, type ProblemCode } from '../common/problem.js';
import { RefreshRequest } from './refresh-request.dto.js';
import { RequireScope } from '../auth/require-scope.decorator.js';
import { tokenView, withoutToken, type TokenView } from './token-view.js';

/** The token to use, if the client may read it, or only what is known of it; and whether it is a new one. */
export type RefreshView = (TokenView | ReturnType<typeof withoutToken>) & {
  readonly refreshed: boolean;
  readonly reason: ReportReason;
};

/** Callers report here that the platform refused their token. */
@Controller('token')
export class RefreshController {
  constructor(
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
    private readonly gatekeeper: Gatekeeper,
    private readonly audit: AuditTrail,
  ) {}

  @Post('refresh')
  @HttpCode(200)
  @RequireScope('token:refresh')
  async refresh(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Body(new JsonBodyPipe(RefreshRequest)) body: RefreshRequest,
  ): Promise<RefreshView> {
    const force = body.force ?? false;
    if (force) this.gatekeeper.demand(request, client, 'token:admin');
    const app = client.app(body.app ?? undefined);
    const report = {
      caller: client.name,
      generation: body.generation ?? undefined,
      accessToken: body.access_token ?? undefined,
      errcode: body.errcode ?? undefined,
      force,
    };
    const record = this.recorder(request, app, report);
    try {
      const answer = await this.broker.report(app, report);
      if (answer.kind === 'answered') {
        const { generation, value } = answer.token.record;
        record(200, answer.reason, { generation, value });
      }
      return this.view(client, app, answer);
    } catch (error) {
      if (error instanceof BrokerError || error instanceof HttpProblem) {
        record(problem(error.code, '').status, error.code);
      }
      throw error;
    }
  }

  private recorder(request: FastifyRequest, app: AppName, { caller, errcode, force }: TokenReport) {
    return (status: number, reason: ReportReason | ProblemCode, token?: AuditEntry['token']): void => {
      this.audit.record({
        action: force ? 'token.force' : 'token.report',
        client: caller,
        app,
        status,
        reason,
        token,
        errcode,
        origin: originOf(request),
      });
    };
  }

  private view(client: ClientAccess, app: AppName, answer: ReportAnswer): RefreshView {
    const show = (held: HeldToken) => {
      const view = tokenView(app, held, this.clock.monotonicMs());
      return client.may('token:read') ? view : withoutToken(view);
    };
    if (answer.kind === 'answered') {
      return { ...show(answer.token), refreshed: answer.refreshed, reason: answer.reason };
    }
    throw new HttpProblem('refresh_budget_exhausted', answer.detail, {
      retryAfterSeconds: answer.retryAfterSeconds,
      members: answer.token === null ? {} : show(answer.token),
    });
  }
}
