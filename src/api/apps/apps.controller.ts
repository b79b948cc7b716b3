import { Controller, Get, Module, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { TokenBroker } from '../../core/broker.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import type { AppStatus } from '../../core/status/app-status.js';
import { Api, type ApiRoute } from '../common/api-route.js';
import { HttpProblem } from '../common/problem.js';
import { numberParameter, singleParameter, type Query as QueryString } from '../common/request.js';
import {
  errorCode,
  integer,
  object,
  oneOf,
  rfc3339,
  rfc3339OrNull,
  text,
  time,
  type FromSchema,
} from '../common/schema.js';
import { ConfigStatus, statusLine } from '../config/config.controller.js';

const STATES = ['ok', 'suspect', 'degraded', 'expired', 'pending'] as const;
export const appState = oneOf(...STATES);
const MAX_LIMIT = 1000;
const timeOrNull = { ...time, nullable: true } as const;

/** An app as GET /apps shows it; never a token. */
export const appSchema = {
  title: 'App',
  ...object({
    app: text,
    provider: text,
    type: { ...text, nullable: true },
    grant: { ...text, nullable: true },
    app_id: text,
    state: appState,
    generation: { type: 'integer', nullable: true, format: 'int64' },
    issued_at: timeOrNull,
    expires_at: timeOrNull,
    next_refresh_at: timeOrNull,
    last_error: {
      nullable: true,
      ...object({
        errcode: { ...errorCode, nullable: true },
        message: text,
        remedy: { type: 'string', description: 'What a person does about it.' },
        at: time,
      }),
    },
    fetches_today: integer,
    fetch_budget: integer,
  }),
} as const;

export type AppView = FromSchema<typeof appSchema>;

/** How an app fares, in words of the API. */
export function appView(status: AppStatus): AppView {
  const { lastError } = status;
  return {
    app: status.app,
    provider: status.provider,
    type: status.type,
    grant: status.grant,
    app_id: status.appId,
    state: status.state,
    generation: status.generation,
    issued_at: rfc3339OrNull(status.issuedAtMs),
    expires_at: rfc3339OrNull(status.expiresAtMs),
    next_refresh_at: rfc3339OrNull(status.nextRefreshAtMs),
    last_error: lastError && {
      errcode: lastError.errcode,
      message: lastError.message,
      remedy: lastError.remedy,
      at: rfc3339(lastError.atMs),
    },
    fetches_today: status.fetchesToday,
    fetch_budget: status.fetchBudget,
  };
}

const LIST_APPS: ApiRoute = {
  access: 'any_key',
  summary: 'The apps that this key may see, and how they fare',
  description:
    'Never a token. In pages with `limit` or `after`: then the apps come in the order of their names, and the header `Link` names the next page (`rel="next"`) as long as there is one.',
  query: {
    state: { ...appState, description: 'Only apps in this state.' },
    limit: { ...integer, minimum: 1, maximum: MAX_LIMIT, description: 'Apps of a page.' },
    after: { ...text, description: 'The last app of the page before.' },
  },
  answers: {
    200: {
      description: 'Apps',
      schema: { type: 'array', items: appSchema },
      example: [
        {
          app: 'shop',
          provider: 'wechat',
          grant: 'stable',
          app_id: 'wx0123456789abcdef',
          state: 'ok',
          generation: 1795250000123,
          issued_at: '2026-11-21T08:00:00.000Z',
          expires_at: '2026-11-21T10:00:00.000Z',
          next_refresh_at: '2026-11-21T09:55:30.000Z',
          last_error: null,
          fetches_today: 13,
          fetch_budget: 200,
        },
      ],
    },
  },
  faults: [['invalid_request', '"limit" must be a whole number from 1 to 1000.']],
};

/** The caller's apps and how they fare. */
@Controller('apps')
class AppsController {
  constructor(
    private readonly broker: TokenBroker,
    private readonly config: ConfigStatus,
  ) {}

  @Get()
  @Api(LIST_APPS)
  list(
    @Caller() client: ClientAccess,
    @Query() query: QueryString,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): AppView[] {
    void reply.header('x-config-status', statusLine(this.config.state));
    const state = stateParameter(query);
    const range = `a whole number from 1 to ${MAX_LIMIT}`;
    const limit = numberParameter(query, 'limit', range, [1, MAX_LIMIT]);
    const after = singleParameter(query, 'after');
    const page: AppView[] = [];
    for (const app of limit === undefined && after === undefined ? client.apps : namesAfter(client, after)) {
      const status = this.broker.status(app);
      if (state !== undefined && status.state !== state) continue;
      if (page.length === limit) {
        void reply.header('link', linkToNext({ state, limit, after: page.at(-1)?.app }));
        break;
      }
      page.push(appView(status));
    }
    return page;
  }
}

function stateParameter(query: QueryString): string | undefined {
  const state = singleParameter(query, 'state');
  if (state === undefined || STATES.some((one) => one === state)) return state;
  throw new HttpProblem('invalid_request', `"state" must be one of ${STATES.join(', ')}.`);
}

/** A page begins after a name, not at a number: an app that is added or removed meanwhile moves no other one. */
export function namesAfter({ apps }: ClientAccess, after = ''): readonly string[] {
  return apps.filter((app) => app > after).sort();
}

function linkToNext(query: Readonly<Record<string, string | number | undefined>>): string {
  const next = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) next.set(name, String(value));
  return `</apps?${next.toString()}>; rel="next"`;
}

@Module({ controllers: [AppsController] })
export class AppsModule {}
