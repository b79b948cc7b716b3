import { buildConnector, errors, Pool, type Dispatcher } from 'undici';
import type { Readable } from 'node:stream';

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

  /** @param timeoutMs until the first byte of an answer, and to connect */
  constructor(baseUrl: string, timeoutMs: number) {
    const { origin, pathname } = new URL(baseUrl);
    this.basePath = pathname === '/' ? '' : pathname;
    this.pool = new Pool(origin, {
      clientTtl: CONNECTION_LIFE_MS,
      headersTimeout: timeoutMs,
      bodyTimeout: SILENCE_MS,
      // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot give a token away.
      connect: marked(buildConnector({ rejectUnauthorized: true, timeout: timeoutMs })),
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

/** The connection did not come up, TLS and certificate included. */
class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';
}

/** Marks what fails before any byte of a request can leave. */
function marked(connect: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    connect(options, (...result) => {
      const [error, socket] = result;
      if (error) callback(new ConnectFailure('no connection', { cause: error }), null);
      else callback(null, socket);
    });
  };
}

export function failureOf(error: unknown): UpstreamFailure {
  if (error instanceof ConnectFailure) return 'not_sent';
  const isTimeout = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return isTimeout ? 'timeout' : 'lost';
}
