import type { AppState, AppStatus } from '../../src/core/status/app-status.js';
import { BrokerError } from '../../src/core/errors.js';
import type { TokenBroker } from '../../src/core/broker.js';
import type { TokenTest } from '../../src/core/reports/report-service.js';
import type { ReportAnswer, TokenReport } from '../../src/core/reports/token-report.js';
import type { AppName, HeldToken } from '../../src/core/token.js';

type Served = Pick<
  TokenBroker,
  'apps' | 'appOf' | 'cacheableMs' | 'held' | 'current' | 'report' | 'status' | 'isReady' | 'subscribe'
> &
  Pick<TokenBroker, 'definition' | 'state' | 'subscribeAll' | 'test'>;

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
  private watchers: { app: AppName; listener: (held: HeldToken) => void }[] = [];
  readonly waits: { app: AppName; minGeneration: number }[] = [];
  readonly reports: { app: AppName; report: TokenReport }[] = [];
  currentAnswer: () => HeldToken = () => {
    throw new BrokerError('no_token_yet', 'No token yet.', { retryAfterSeconds: 3 });
  };
  reportAnswer: () => ReportAnswer = () => {
    throw new BrokerError('upstream_unavailable', 'The platform gave no answer.', { retryAfterSeconds: 2 });
  };
  /** Of reports that are guesses. Null: that the token is good. */
  guessAnswer: (() => ReportAnswer) | null = null;

  testAnswer: TokenTest = { outcome: 'accepted', errcode: null, message: null, remedy: null };
  readonly tests: { app: AppName; caller: string }[] = [];

  /** How often. */
  readonly asked = { states: 0, statuses: 0 };

  constructor(readonly apps: readonly AppName[]) {}

  held(app: AppName): HeldToken | undefined {
    return this.tokens.get(app);
  }

  appOf(token: string): AppName | undefined {
    return this.apps.find((app) => this.tokens.get(app)?.record.value === token);
  }

  cacheableMs(_app: AppName, { deadlineMonoMs }: HeldToken): number {
    return deadlineMonoMs / 2;
  }

  subscribe(app: AppName, listener: (held: HeldToken) => void): () => void {
    this.watchers.push({ app, listener });
    return () => {
      this.watchers = this.watchers.filter((one) => one.listener !== listener);
    };
  }

  definition(): undefined {
    return undefined;
  }

  subscribeAll(): void {
    // The console's replicas hear of no token.
  }

  async test(app: AppName, caller: string): Promise<TokenTest> {
    this.tests.push({ app, caller });
    return this.testAnswer;
  }

  /** Holds this token from now on, and says so. */
  rotate(app: AppName, held: HeldToken): void {
    this.tokens.set(app, held);
    for (const watcher of this.watchers) if (watcher.app === app) watcher.listener(held);
  }

  current(app: AppName, minGeneration = 0): Promise<HeldToken> {
    this.waits.push({ app, minGeneration });
    return Promise.resolve().then(this.currentAnswer);
  }

  report(app: AppName, report: TokenReport): Promise<ReportAnswer> {
    this.reports.push({ app, report });
    return Promise.resolve().then(report.isGuess ? () => this.answerGuess(app) : this.reportAnswer);
  }

  private answerGuess(app: AppName): ReportAnswer {
    const token = this.tokens.get(app);
    if (this.guessAnswer || !token) return (this.guessAnswer ?? this.reportAnswer)();
    return { kind: 'answered', refreshed: false, reason: 'still_valid', token };
  }

  state(app: AppName): AppState {
    this.asked.states += 1;
    return this.statuses.get(app)?.state ?? 'ok';
  }

  status(app: AppName): AppStatus {
    this.asked.statuses += 1;
    return {
      app,
      provider: 'wechat',
      type: 'official_account',
      grant: 'stable',
      appId: 'wx0123456789abcdef',
      state: 'ok',
      suspectReason: null,
      generation: 7,
      issuedAtMs: Date.UTC(2026, 10, 21, 8),
      expiresAtMs: Date.UTC(2026, 10, 21, 10),
      nextRefreshAtMs: Date.UTC(2026, 10, 21, 9, 55, 30),
      lastError: null,
      fetchesToday: 13,
      fetchBudget: 200,
      forcedToday: 1,
      reportsToday: 1,
      forcedBudget: 20,
      nowMs: Date.UTC(2026, 10, 21, 9),
      ...this.statuses.get(app),
    };
  }
}
