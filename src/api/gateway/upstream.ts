import type { Readable } from 'node:stream';
import { errors, Pool, type Dispatcher } from 'undici';
import type { GatewayApp } from '../../core/ports/gateway-profile.js';

/** WeChat retires addresses (48017): a connection is not used for longer than this, and the next one asks DNS again. */
const CONNECTION_LIFE_MS = 60_000;
/** A platform that sends nothing more of an answer for so long has broken off. */
const SILENCE_MS = 60_000;

export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Buffer | Readable | null;
  readonly signal: AbortSignal;
}

/** `not_sent`: no byte of the request has left. `timeout` and `lost`: nobody knows whether the platform has carried it out. */
export type UpstreamFailure = 'not_sent' | 'timeout' | 'lost';

/** The connections to the API of one app. Sends each request once. */
export class Upstream {
  private readonly pool: Pool;
  private readonly basePath: string;

  constructor({ profile, timeoutMs, connect }: Pick<GatewayApp, 'profile' | 'timeoutMs' | 'connect'>) {
    const { origin, pathname } = new URL(profile.baseUrl);
    this.basePath = pathname === '/' ? '' : pathname;
    const target = new URL(origin);
    this.pool = new Pool(origin, {
      clientTtl: CONNECTION_LIFE_MS,
      headersTimeout: timeoutMs,
      bodyTimeout: SILENCE_MS,
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
  }

  send({ method, path, headers, body, signal }: UpstreamRequest): Promise<Dispatcher.ResponseData> {
    return this.pool.request({
      method,
      path: this.basePath + path,
      headers,
      body,
      signal,
    });
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

/** No byte of a request has left. */
export class NotConnected extends Error {
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
