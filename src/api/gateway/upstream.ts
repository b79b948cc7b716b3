import type { Readable } from 'node:stream';
import { errors, Pool } from 'undici';
import type { Clock } from '../../core/ports/clock.js';
import type { GatewayApp } from '../../core/ports/gateway-profile.js';
import type { CallerConnection } from './caller-connection.js';
import { AnswerReader, type UpstreamAnswer } from './platform-answer.js';

/** WeChat retires addresses (48017): after so long a call takes a new connection, which asks DNS again. */
const CONNECTION_LIFE_MS = 60_000;
/** A platform that sends nothing more of an answer for so long has broken off. */
const SILENCE_MS = 60_000;

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Buffer | Readable | null;
}

/** `not_sent`: no byte of the request has left. `timeout` and `lost`: nobody knows whether the platform has carried it out. */
export type UpstreamFailure = 'not_sent' | 'timeout' | 'lost';

type UpstreamSettings = Pick<GatewayApp, 'profile' | 'timeoutMs' | 'connect'>;

/** The connections to the API of one app. Sends each request once. */
export class Upstream {
  /** None while no call is under way and no connection is kept: an empty one takes 18 kB, for each app. */
  private pool: Pool | null = null;
  private openedMonoMs = 0;
  /** Those whose connections have served their time, with the calls that are still under way. */
  private readonly ending = new Set<Pool>();
  /** In front of each path; null before the first call, which few of thousands of apps make. */
  private basePath: string | null = null;

  /** @param silenceMs other than a minute for tests */
  constructor(
    private readonly app: UpstreamSettings,
    private readonly clock: Clock,
    private readonly silenceMs = SILENCE_MS,
  ) {}

  private current(): Pool {
    const nowMonoMs = this.clock.monotonicMs();
    // undici's own `clientTtl` asks each busy connection for its age, with every call.
    if (this.pool && nowMonoMs - this.openedMonoMs > CONNECTION_LIFE_MS) void this.end();
    if (this.pool) return this.pool;
    this.openedMonoMs = nowMonoMs;
    this.pool = this.open();
    return this.pool;
  }

  private open(): Pool {
    const { timeoutMs, connect, profile } = this.app;
    const target = new URL(profile.baseUrl);
    const pool = new Pool(target.origin, {
      headersTimeout: timeoutMs,
      bodyTimeout: this.silenceMs,
      connect: (_options, callback) => {
        connect(target, { timeoutMs }).then(
          (socket) => {
            callback(null, socket);
          },
          (error: unknown) => {
            callback(new NotConnected(error), null);
          },
        );
      },
    });
    const forget = (): void => {
      if (this.pool === pool && pool.stats.size === 0 && pool.stats.connected === 0) this.pool = null;
    };
    return pool.on('disconnect', forget).on('connectionError', forget);
  }

  /** Has connections, or calls under way. */
  get isOpen(): boolean {
    return this.pool !== null;
  }

  /** Resolves to as much of the answer as has to be known. @param caller ends it when it hangs up */
  send(
    { method, path, headers, body }: UpstreamRequest,
    caller: Pick<CallerConnection, 'onGone'>,
  ): Promise<UpstreamAnswer> {
    return new Promise((resolve, reject) => {
      const reader = new AnswerReader(method, resolve, reject);
      caller.onGone(() => {
        reader.giveUp();
      });
      this.basePath ??= new URL(this.app.profile.baseUrl).pathname.replace(/^\/$/, '');
      this.current().dispatch({ method, path: this.basePath + path, headers, body }, reader);
    });
  }

  /** Whether these settings would make the same connections. */
  isFor({ profile, timeoutMs }: UpstreamSettings): boolean {
    return profile.baseUrl === this.app.profile.baseUrl && timeoutMs === this.app.timeoutMs;
  }

  /** Ends the connections, each with the call that is under way. */
  async end(): Promise<void> {
    const { pool } = this;
    if (!pool) return;
    this.pool = null;
    this.ending.add(pool);
    await pool.close();
    this.ending.delete(pool);
  }

  /** Ends all at once. */
  async close(): Promise<void> {
    const pools = this.pool ? [this.pool, ...this.ending] : [...this.ending];
    this.pool = null;
    this.ending.clear();
    await Promise.all(pools.map((pool) => pool.destroy()));
  }
}

/** No byte of a request has left. */
class NotConnected extends Error {
  override readonly name = 'NotConnected';

  /** @param cause whose message says why, without any secret */
  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : 'unknown error', { cause });
  }
}

export function failureOf(error: unknown): UpstreamFailure {
  if (error instanceof NotConnected) return 'not_sent';
  const isTimeout = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return isTimeout ? 'timeout' : 'lost';
}
