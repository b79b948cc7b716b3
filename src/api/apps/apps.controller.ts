import { Controller, Get, Module } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';
import { Caller } from '../auth/api-key.guard.js';
import type { ClientAccess } from '../auth/client-access.js';
import type { AppState, AppStatus } from '../../core/status/app-status.js';
import type { ErrorCode } from '../../core/error-code.js';
import type { AppName } from '../../core/token.js';
import { rfc3339, rfc3339OrNull } from '../tokens/token.view.js';

/** The caller's apps and how they fare. */
@Controller('apps')
class AppsController {
  constructor(private readonly broker: TokenBroker) {}

  @Get()
  list(@Caller() client: ClientAccess): AppView[] {
    return client.apps.map((app) => appView(this.broker.status(app)));
  }
}

/** An app as GET /apps shows it; never a token. */
export interface AppView {
  readonly app: AppName;
  readonly provider: string;
  readonly grant: string;
  readonly app_id: string;
  readonly state: AppState;
  readonly generation: number | null;
  readonly issued_at: string | null;
  readonly expires_at: string | null;
  readonly next_refresh_at: string | null;
  readonly last_error: {
    readonly errcode: ErrorCode | null;
    readonly message: string;
    readonly remedy: string;
    readonly at: string;
  } | null;
  readonly fetches_today: number;
  readonly fetch_budget: number;
}

function appView(status: AppStatus): AppView {
  const { lastError } = status;
  return {
    app: status.app,
    provider: status.provider,
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

@Module({ controllers: [AppsController] })
export class AppsModule {}
