import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import { ALL_CLIENTS, ClientSums, readClientUses } from '../../core/console/client-use.js';
import { ConsoleData } from '../../core/console/console-data.js';
import { BrokerError, StoreUnavailableError } from '../../core/errors.js';
import { Clock } from '../../core/ports/clock.js';
import type { ReportAnswer } from '../../core/reports/token-report.js';
import { Caller } from '../auth/api-key.guard.js';
import { Callers } from '../auth/callers.js';
import type { ClientAccess } from '../auth/client-access.js';
import { namesAfter } from '../apps/apps.controller.js';
import { AdminPort } from '../common/admin-port.js';
import { Api } from '../common/api-route.js';
import { JsonBodyPipe } from '../common/json-body.pipe.js';
import { OnceASecond } from '../common/once-a-second.js';
import { HttpProblem } from '../common/problem.js';
import {
  numberParameter,
  singleParameter,
  type AuditedAct,
  type Query as QueryString,
} from '../common/request.js';
import type { FromSchema } from '../common/schema.js';
import { ClientLimits } from '../limits/client-limits.js';
import { AppRows } from './app-rows.js';
import {
  FORCE,
  LIST_CALLERS,
  LIST_ROWS,
  MAX_EVENTS,
  MAX_ROWS,
  PROBE,
  READ_APP,
  READ_HISTORY,
  READ_SYSTEM,
  ForceRequest,
} from './console.api.js';
import { ConsoleGuard } from './console.guard.js';
import type { forcedSchema, historySchema, probeSchema, rowsSchema } from './console.schemas.js';
import {
  callerView,
  detailView,
  eventView,
  type AppDetail,
  type CallersView,
  type SystemView,
  SystemViews,
} from './console.views.js';
import { snippetsFor } from './snippets.js';

const DEFAULT_EVENTS = 200;
/** As stores give them: digits and a dash. */
const CURSOR = /^[\w-]{1,40}$/;
/** Where callers reach the broker, when the console has a port of its own. */
const CALLERS_URL = 'http://token-broker:8080';
const HOST = /^[A-Za-z0-9.:[\]-]{1,255}$/;

const OUTCOMES = { accepted: 'alive', rejected: 'dead', no_answer: 'unknown' } as const;
/** What a person does where the platform itself names no remedy. */
export const REMEDIES = {
  alive: null,
  dead: 'It was reported in your name and is being replaced: the timeline says what became of it. If the next one dies before its time too, something else fetches with this AppSecret: find it and have it ask this broker instead.',
  unknown: 'Look at the row of the platform under System, and at what callers report in the timeline.',
} as const;

/** What the page shows, and what it can have done. */
@Controller('console/api')
@UseGuards(ConsoleGuard)
export class ConsoleController {
  /** Waits for the other replicas, and reads the store, once for all who ask within a second. */
  private readonly usesOfOthers: OnceASecond<ReturnType<ConsoleController['collectUses']>>;

  constructor(
    private readonly broker: TokenBroker,
    private readonly data: ConsoleData,
    private readonly rows: AppRows,
    private readonly system: SystemViews,
    private readonly callers: Callers,
    private readonly limits: ClientLimits,
    private readonly adminPort: AdminPort,
    private readonly clock: Clock,
  ) {
    this.usesOfOthers = new OnceASecond(clock, () => this.collectUses());
  }

  @Get('apps')
  @Api(LIST_ROWS)
  list(@Caller() client: ClientAccess, @Query() query: QueryString): FromSchema<typeof rowsSchema> {
    const limit = limitIn(query, MAX_ROWS) ?? MAX_ROWS;
    const names = namesAfter(client, singleParameter(query, 'after'));
    const page = names.slice(0, limit);
    this.data.board.watch();
    return {
      items: page.map((app) => this.rows.show(app)),
      next: names.length > limit ? (page.at(-1) ?? null) : null,
    };
  }

  @Get('apps/:app')
  @Api(READ_APP)
  app(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Param('app') named: string,
  ): AppDetail {
    const app = client.app(named);
    const { board } = this.data;
    board.watch();
    const snippets = snippetsFor(app, this.urlForCallers(request));
    return detailView(this.rows.show(app), this.data.useOf(app), board.answersOf(app), snippets);
  }

  @Get('apps/:app/history')
  @Api(READ_HISTORY)
  async history(
    @Caller() client: ClientAccess,
    @Param('app') named: string,
    @Query() query: QueryString,
  ): Promise<FromSchema<typeof historySchema>> {
    const app = client.app(named);
    const before = singleParameter(query, 'before') ?? null;
    if (before !== null && !CURSOR.test(before)) {
      throw new HttpProblem('invalid_request', '"before" must be the next of the page before.');
    }
    const limit = limitIn(query, MAX_EVENTS) ?? DEFAULT_EVENTS;
    try {
      const { events, next } = await this.data.history.page(app, before, limit);
      return { events: events.map(eventView), next };
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      const text = `The history cannot be read: ${error.message}. ${error.remedy}`;
      throw new HttpProblem('store_unavailable', text, { retryAfterSeconds: 2 });
    }
  }

  @Post('apps/:app/probe')
  @HttpCode(200)
  @Api(PROBE)
  async probe(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Param('app') named: string,
  ): Promise<FromSchema<typeof probeSchema>> {
    const app = client.app(named);
    const audited: AuditedAct = { action: 'console.probe', app };
    request.audited = audited;
    const startMonoMs = this.clock.monotonicMs();
    const { outcome: answer, errcode, message, remedy } = await this.broker.test(app, client.name);
    const outcome = OUTCOMES[answer];
    audited.reason = outcome;
    return {
      outcome,
      errcode,
      message: message === '' ? null : message,
      remedy: remedy ?? REMEDIES[outcome],
      duration_ms: Math.round(this.clock.monotonicMs() - startMonoMs),
    };
  }

  @Post('apps/:app/refresh')
  @HttpCode(200)
  @Api(FORCE)
  async force(
    @Req() request: FastifyRequest,
    @Caller() client: ClientAccess,
    @Param('app') named: string,
    @Body(new JsonBodyPipe(ForceRequest)) { reason }: ForceRequest,
  ): Promise<FromSchema<typeof forcedSchema>> {
    const app = client.app(named);
    const audited: AuditedAct = { action: 'token.force', app, note: reason };
    request.audited = audited;
    try {
      const answer = await this.broker.report(app, { caller: client.name, force: true, why: reason });
      return forcedView(answer, audited);
    } catch (error) {
      if (!(error instanceof BrokerError) || error.code === 'no_token_for_app_type') throw error;
      audited.reason = error.code;
      const remedy = this.broker.status(app).lastError?.remedy ?? null;
      return { result: error.code, generation: null, message: error.message, remedy };
    }
  }

  @Get('callers')
  @Api(LIST_CALLERS)
  async clients(@Caller() client: ClientAccess): Promise<CallersView> {
    const { board } = this.data;
    const { others, lastUses } = await this.usesOfOthers.get();
    const sums = new ClientSums(lastUses, this.clock.wallMs());
    sums.add(board.replica, this.data.clientUses());
    for (const [replica, uses] of others) sums.add(replica, uses);
    const shown = this.system.seesAll(client) ? this.callers.all : [client];
    const items = shown.map((one) =>
      callerView(one, this.callers.identitiesOf(one.name), this.limits.of(one.name).rate, sums),
    );
    return { items };
  }

  @Get('system')
  @Api(READ_SYSTEM)
  systemOf(@Caller() client: ClientAccess): SystemView {
    return this.system.of(client);
  }

  private async collectUses() {
    const { board } = this.data;
    const answers = await board.answersOfAll(ALL_CLIENTS);
    const others = [...answers].map(([replica, uses]) => [replica, readClientUses(uses)] as const);
    return { others, lastUses: await board.lastUses() };
  }

  private urlForCallers({ protocol, host }: FastifyRequest): string {
    const isHere = this.adminPort.number === null && HOST.test(host);
    return isHere ? `${protocol}://${host}` : CALLERS_URL;
  }
}

function limitIn(query: QueryString, max: number): number | undefined {
  return numberParameter(query, 'limit', `a whole number from 1 to ${max}`, [1, max]);
}

function forcedView(answer: ReportAnswer, audited: AuditedAct): FromSchema<typeof forcedSchema> {
  if (answer.kind === 'answered') {
    const { generation, value } = answer.token.record;
    Object.assign(audited, { reason: answer.reason, token: { generation, value } });
    return { result: answer.reason, generation, message: answer.note ?? null, remedy: null };
  }
  audited.reason = answer.kind;
  const generation = answer.token?.record.generation ?? null;
  return { result: answer.kind, generation, message: answer.detail, remedy: null };
}
