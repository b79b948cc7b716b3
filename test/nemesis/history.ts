import type { Reply } from './ask.js';

/** One request of a client and its answer. */
export interface Exchange {
  readonly kind: 'get' | 'report';
  readonly app: string;
  readonly replica: string;
  /** 0: no answer. */
  readonly status: number;
  readonly code: string | null;
  readonly hasRetryAfter: boolean;
  readonly token: string | null;
  readonly generation: number | null;
  /** Of a GET that sent one. */
  readonly minGeneration: number | null;
  /** Of a report that was answered. */
  readonly reason: string | null;
  /** Epoch milliseconds of the simulator's clock. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly tookMs: number;
}

/** Everything that clients saw, in the order in which it ended. */
export class History {
  readonly exchanges: Exchange[] = [];
  /** When a client found no replica that gave it a token. */
  readonly unserved: { readonly app: string; readonly atMs: number }[] = [];

  add(
    asked: Pick<Exchange, 'kind' | 'app' | 'replica'> & { readonly minGeneration?: number | undefined },
    { status, retryAfter, body, startedAtMs, endedAtMs, tookMs }: Reply,
  ): Exchange {
    const { code, access_token: token, generation, reason } = body;
    const exchange: Exchange = {
      ...asked,
      minGeneration: asked.minGeneration ?? null,
      status,
      code: typeof code === 'string' ? code : null,
      hasRetryAfter: retryAfter !== null,
      token: typeof token === 'string' ? token : null,
      generation: typeof generation === 'number' ? generation : null,
      reason: typeof reason === 'string' ? reason : null,
      startedAtMs,
      endedAtMs,
      tookMs,
    };
    this.exchanges.push(exchange);
    return exchange;
  }

  of(app: string): Exchange[] {
    return this.exchanges.filter((exchange) => exchange.app === app);
  }
}
