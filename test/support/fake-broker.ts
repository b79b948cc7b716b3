import type { AppStatus } from '../../src/core/app-status.js';
import { BrokerError } from '../../src/core/errors.js';
import type { TokenBroker } from '../../src/core/token-broker.js';
import type { ReportAnswer, TokenReport } from '../../src/core/token-report.js';
import type { AppName, HeldToken } from '../../src/core/token.js';

type Served = Pick<TokenBroker, 'apps' | 'held' | 'current' | 'report' | 'status' | 'isReady'>;

/** A token that expires on 2026-11-21T10:00:00Z and, on the monotonic clock, at `deadlineMonoMs`. */
export function heldToken(generation: number, deadlineMonoMs: number): HeldToken {
  const expiresAtMs = Date.UTC(2026, 10, 21, 10);
  return {
    deadlineMonoMs,
    record: {
      generation,
      base: 0,
      since: generation,
      value: `83_value-${String(generation)}`,
      issuedAtMs: expiresAtMs - 7_200_000,
      expiresAtMs,
      owner: 'fake',
      reason: 'scheduled',
    },
  };
}

/** The broker as the HTTP edge sees it: answers what it was told to, and remembers what it was asked. */
export class FakeBroker implements Served {
  isReady = true;
  readonly tokens = new Map<AppName, HeldToken>();
  readonly statuses = new Map<AppName, Partial<AppStatus>>();
  readonly waits: { app: AppName; minGeneration: number }[] = [];
  readonly reports: { app: AppName; report: TokenReport }[] = [];
  currentAnswer: () => HeldToken = () => {
    throw new BrokerError('no_token_yet', 'No token yet.', { retryAfterSeconds: 3 });
  };
  reportAnswer: () => ReportAnswer = () => {
    throw new BrokerError('upstream_unavailable', 'The platform gave no answer.', { retryAfterSeconds: 2 });
  };

  constructor(readonly apps: readonly AppName[]) {}

  held(app: AppName): HeldToken | undefined {
    return this.tokens.get(app);
  }

  current(app: AppName, minGeneration = 0): Promise<HeldToken> {
    this.waits.push({ app, minGeneration });
    return Promise.resolve().then(this.currentAnswer);
  }

  report(app: AppName, report: TokenReport): Promise<ReportAnswer> {
    this.reports.push({ app, report });
    return Promise.resolve().then(this.reportAnswer);
  }

  status(app: AppName): AppStatus {
    return {
      app,
      provider: 'wechat',
      grant: 'stable',
      appId: 'wx0123456789abcdef',
      state: 'ok',
      generation: 7,
      issuedAtMs: Date.UTC(2026, 10, 21, 8),
      expiresAtMs: Date.UTC(2026, 10, 21, 10),
      nextRefreshAtMs: Date.UTC(2026, 10, 21, 9, 55, 30),
      lastError: null,
      fetchesToday: 13,
      fetchBudget: 200,
      ...this.statuses.get(app),
    };
  }
}
