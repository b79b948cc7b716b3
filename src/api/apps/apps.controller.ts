import { Controller, Get, Module } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import type { AppStatus } from '../../core/status/app-status.js';
import { Api, type ApiRoute } from '../common/api-route.js';
import { errorCode, integer, object, oneOf, text, time, type FromSchema } from '../common/schema.js';
import { rfc3339, rfc3339OrNull } from '../tokens/token.view.js';

export const appState = oneOf('ok', 'suspect', 'degraded', 'expired', 'pending');
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

function appView(status: AppStatus): AppView {
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
  description: 'Never a token.',
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
};

/** The caller's apps and how they fare. */
@Controller('apps')
class AppsController {
  constructor(private readonly broker: TokenBroker) {}

  @Get()
  @Api(LIST_APPS)
  list(@Caller() client: ClientAccess): AppView[] {
    return client.apps.map((app) => appView(this.broker.status(app)));
  }
}

@Module({ controllers: [AppsController] })
export class AppsModule {}
