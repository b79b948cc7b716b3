import { steadyNow } from '@access-token-broker/simulator';
import { objectFrom } from './object-from.js';

export interface HttpRequest {
  readonly method?: 'GET' | 'POST';
  /** An API key, sent as a Bearer token. */
  readonly key?: string | undefined;
  /** Sent as JSON; a string as it is, also under that content type. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Of a body that is a JSON object; otherwise empty. */
  readonly body: Readonly<Record<string, unknown>>;
  /** On the simulator's clock, so that its oracle can be asked about either. */
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly tookMs: number;
}

/** Rejects only when there is no answer. */
export async function request(
  url: string,
  { method = 'GET', key, body, headers = {} }: HttpRequest = {},
): Promise<HttpAnswer> {
  const startedAtMs = steadyNow();
  const startMs = performance.now();
  const response = await fetch(url, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: objectFrom(text),
    startedAtMs,
    endedAtMs: steadyNow(),
    tookMs: performance.now() - startMs,
  };
}
