import type { Errcode } from './dead-token-errcode.js';
import { jsonOf } from './streams.js';
import { TimeLimit } from './timers.js';
import { tokenAnswer, type TokenAnswer } from './token-answer.js';
import { TokenClientError } from './token-client-error.js';

export interface BrokerApiOptions {
  readonly urls: readonly string[];
  readonly apiKey: string;
  readonly app: string | undefined;
}

export interface RefusedToken {
  readonly value: string;
  /** Left out where it is not known: the broker then goes by the value alone. */
  readonly generation: number | undefined;
  readonly errcode: Errcode | undefined;
}

/** A token, and the moment before the broker was asked for it, so that the trip only ever shortens its life here. */
export interface TimedAnswer {
  readonly answer: TokenAnswer;
  readonly askedAtMs: number;
}

/** An open event stream. */
export interface EventSubscription {
  readonly body: ReadableStream<Uint8Array>;
  /** It ended: the next call goes elsewhere, if there is an elsewhere. */
  readonly leave: () => void;
}

interface BrokerRequest {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The broker's routes. When one address gives no answer, the next call goes to the next one. */
export class BrokerApi {
  /** Clients begin anywhere, so that their streams are spread over the replicas. */
  private at: number;

  constructor(
    private readonly options: BrokerApiOptions,
    private readonly closed: AbortSignal,
  ) {
    this.at = Math.floor(Math.random() * options.urls.length);
  }

  /** @throws TokenClientError */
  token(minGeneration: number, timeoutMs: number): Promise<TimedAnswer> {
    const query = minGeneration > 0 ? { min_generation: String(minGeneration) } : {};
    return this.ask(this.path('/token', query), {}, timeoutMs);
  }

  /** @throws TokenClientError */
  report({ value, generation, errcode }: RefusedToken, timeoutMs: number): Promise<TimedAnswer> {
    const body = JSON.stringify({ app: this.options.app, access_token: value, generation, errcode });
    const init = { method: 'POST', body, headers: { 'content-type': 'application/json' } };
    return this.ask('/token/refresh', init, timeoutMs);
  }

  /**
   * Opens the event stream. It lasts until the limit is over.
   *
   * @throws TokenClientError
   */
  events(generation: number, limit: TimeLimit): Promise<EventSubscription> {
    const { at } = this;
    const leave = (): void => {
      this.leave(at);
    };
    const init = generation > 0 ? { headers: { 'last-event-id': String(generation) } } : {};
    return this.send(this.path('/token/events', {}), init, limit, ({ headers, body }) => {
      const isStream = headers.get('content-type')?.startsWith('text/event-stream');
      if (isStream && body) return { body, leave };
      void body?.cancel().catch(() => undefined);
      throw new TokenClientError('not_found', 'There is no event stream.', { status: 404 });
    });
  }

  /**
   * Tries again once, or at each other address: a connection kept from before may be dead, and what is asked can be repeated.
   * Each try gets half of the time that is left, so that one that is silent leaves some to the next.
   */
  private async ask(path: string, init: BrokerRequest, timeoutMs: number): Promise<TimedAnswer> {
    const { urls } = this.options;
    const endMs = performance.now() + timeoutMs;
    for (let triesLeft = Math.max(2, urls.length); ; triesLeft -= 1) {
      const askedAtMs = performance.now();
      const limit = new TimeLimit(this.closed, (endMs - askedAtMs) / (triesLeft === 1 ? 1 : 2));
      try {
        const answer = await this.send(path, init, limit, async (response) =>
          tokenAnswer(await jsonOf(response, limit.signal)),
        );
        return { answer, askedAtMs };
      } catch (error) {
        const failure = asClientError(error);
        const mayHelp = failure.code === 'unreachable' || (urls.length > 1 && !failure.isRefusal);
        if (triesLeft === 1 || !mayHelp || this.closed.aborted) throw failure;
      } finally {
        limit.stop();
      }
    }
  }

  private async send<T>(
    path: string,
    { headers, ...init }: BrokerRequest,
    { signal }: TimeLimit,
    read: (response: Response) => T | Promise<T>,
  ): Promise<T> {
    const { at } = this;
    const { urls, apiKey } = this.options;
    try {
      const response = await fetch(`${urls[at % urls.length] ?? ''}${path}`, {
        ...init,
        headers: { ...headers, authorization: `Bearer ${apiKey}` },
        // The key is for this address only.
        redirect: 'error',
        signal,
      });
      if (!response.ok) throw await refusal(response, signal);
      return await read(response);
    } catch (error) {
      const failure = asClientError(error);
      if (!failure.isRefusal) this.leave(at);
      throw failure;
    }
  }

  /** Unless somebody left it already. */
  private leave(at: number): void {
    if (this.at === at) this.at += 1;
  }

  private path(route: string, query: Record<string, string>): string {
    const { app } = this.options;
    const parameters = new URLSearchParams({ ...(app !== undefined && { app }), ...query }).toString();
    return parameters === '' ? route : `${route}?${parameters}`;
  }
}

async function refusal(response: Response, signal: AbortSignal): Promise<TokenClientError> {
  const problem = await jsonOf(response, signal).catch(() => null);
  const { code, detail, errcode } = Object(problem) as Record<string, unknown>;
  const retryAfter = Number(response.headers.get('retry-after') ?? NaN);
  return new TokenClientError(
    typeof code === 'string' ? code : 'invalid_answer',
    typeof detail === 'string' ? detail : `The broker answered ${String(response.status)}.`,
    {
      status: response.status,
      errcode: typeof errcode === 'number' || typeof errcode === 'string' ? errcode : undefined,
      retryAfterSeconds: Number.isFinite(retryAfter) ? retryAfter : undefined,
    },
  );
}

function asClientError(error: unknown): TokenClientError {
  if (error instanceof TokenClientError) return error;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new TokenClientError('unreachable', `The token broker does not answer: ${why}`, { cause: error });
}
