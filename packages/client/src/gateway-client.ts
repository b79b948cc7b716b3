import { jsonOf } from './streams.js';
import { TokenClientError } from './token-client-error.js';

export interface GatewayClientOptions {
  /** The broker's address, such as `http://token-broker:8080`; or several, of which one that answers is used. */
  readonly url: string | readonly string[];
  /** With the scope `gateway`. */
  readonly apiKey: string;
  /** The app's alias. */
  readonly app: string;
}

/** Of no answer of the platform's; every one of those has it. */
const FROM_PLATFORM = 'x-token-generation';

/** Calls a platform through the broker, which puts the token in and replaces a dead one. */
export class GatewayClient {
  private readonly urls: readonly string[];
  private at = 0;

  /** @throws TypeError for options that cannot work */
  constructor(private readonly options: GatewayClientOptions) {
    const { url, apiKey, app } = options;
    this.urls = (typeof url === 'string' ? [url] : url).map((one) => one.replace(/\/+$/, ''));
    if (this.urls.length === 0 || !this.urls.every((one) => /^https?:\/\//.test(one))) {
      throw new TypeError('GatewayClient: url must be the http or https address of the broker, or several.');
    }
    if (!/^[\x21-\x7e]+$/.test(apiKey)) {
      throw new TypeError('GatewayClient: apiKey must be a key as `access-token-broker keygen` prints it.');
    }
    if (!/^[a-z0-9][a-z0-9._-]{0,62}$/.test(app)) {
      throw new TypeError('GatewayClient: app must be the alias of an app, as the broker knows it.');
    }
  }

  /**
   * As the built-in `fetch`, for a path of the platform: `/cgi-bin/user/info?openid=o1`. Resolves to what the platform answers,
   * whatever its status. Sent once: after a failure the next call goes to the next address, and whether this one may be
   * repeated is the caller's to know.
   *
   * @throws TokenClientError when the broker answers instead: with `upstream_unavailable` and all 4xx nothing was sent;
   * `unreachable` when it gives no answer; the reason of `init.signal` when that is aborted
   */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    if (!path.startsWith('/')) throw new TypeError('GatewayClient: path must begin with a slash.');
    const { at, urls } = this;
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${this.options.apiKey}`);
    const url = `${urls[at % urls.length] ?? ''}/gateway/${this.options.app}${path}`;
    let response: Response;
    try {
      // The key is for this address only.
      response = await fetch(url, { ...init, headers, redirect: 'manual' });
    } catch (error) {
      init.signal?.throwIfAborted();
      if (this.at === at) this.at += 1;
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new TokenClientError('unreachable', `The token broker does not answer: ${why}`, { cause: error });
    }
    if (response.ok || response.headers.has(FROM_PLATFORM)) return response;
    throw await refusal(response, init.signal ?? new AbortController().signal);
  }

  /** Whatever writes a client out must not find the API key. */
  toJSON(): object {
    return { url: this.urls, app: this.options.app };
  }

  [Symbol.for('nodejs.util.inspect.custom')](): object {
    return this.toJSON();
  }
}

async function refusal(response: Response, signal: AbortSignal): Promise<TokenClientError> {
  const problem = await jsonOf(response, signal).catch(() => null);
  const { code, detail, retry_after: retryAfter } = Object(problem) as Record<string, unknown>;
  return new TokenClientError(
    typeof code === 'string' ? code : 'invalid_answer',
    typeof detail === 'string' ? detail : `The broker answered ${String(response.status)}.`,
    {
      status: response.status,
      retryAfterSeconds: typeof retryAfter === 'number' ? retryAfter : undefined,
    },
  );
}
