import type { AppName } from '../../core/token.js';
import type { Clock } from '../../core/ports/clock.js';
import { HttpProblem } from '../common/problem.js';
import { TokenBucket } from '../limits/token-bucket.js';

/** How many calls may be under way for an app, and how many a second each client may make. */
export class CallLimits {
  private readonly underWay = new Map<AppName, number>();
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(
    private maxInFlightPerApp: number,
    private readonly clock: Clock,
    private readonly onInFlight: (app: AppName, count: number, limit: number) => void,
  ) {}

  configure(maxInFlightPerApp: number): void {
    this.maxInFlightPerApp = maxInFlightPerApp;
  }

  /**
   * Lets one call in; to be left once.
   *
   * @param ratePerSecond what the client may do; a burst of a second's calls is let through
   * @throws HttpProblem `too_many_requests`
   */
  enter(app: AppName, client: string, ratePerSecond: number | undefined): void {
    const count = this.underWay.get(app) ?? 0;
    if (count >= this.maxInFlightPerApp) {
      throw new HttpProblem(
        'too_many_requests',
        `This replica has ${count} calls of the app under way, its gateway.maxInFlightPerApp.`,
        { retryAfterSeconds: 1 },
      );
    }
    if (ratePerSecond !== undefined && !this.take(client, ratePerSecond)) {
      throw new HttpProblem(
        'too_many_requests',
        `Client ${client} makes more than ${ratePerSecond} calls a second, its gateway.ratePerSecond.`,
        { retryAfterSeconds: 1 },
      );
    }
    this.set(app, count + 1);
  }

  leave(app: AppName): void {
    this.set(app, (this.underWay.get(app) ?? 1) - 1);
  }

  private set(app: AppName, count: number): void {
    this.underWay.set(app, count);
    this.onInFlight(app, count, this.maxInFlightPerApp);
  }

  private take(client: string, ratePerSecond: number): boolean {
    const nowMonoMs = this.clock.monotonicMs();
    const bucket = this.buckets.get(client) ?? new TokenBucket(ratePerSecond, ratePerSecond, nowMonoMs);
    this.buckets.set(client, bucket);
    bucket.configure(ratePerSecond, ratePerSecond);
    return bucket.take(nowMonoMs);
  }
}
