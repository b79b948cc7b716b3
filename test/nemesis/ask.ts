import { Agent, request } from 'node:http';
import { steadyNow } from '@access-token-broker/simulator';
import { objectFrom } from '../support/object-from.js';

export interface Question {
  readonly url: string;
  readonly key: string;
  /** Makes it a POST. */
  readonly body?: object;
  readonly timeoutMs?: number;
}

/** `status` 0: there was no answer. Times are epoch milliseconds of the simulator's clock. */
export interface Reply {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly tookMs: number;
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

afterAll(() => {
  agent.destroy();
});

/** One request, over a connection that is kept; cheaper than fetch, because here the load must not slow what it measures. */
export async function ask({ url, key, body, timeoutMs = 1500 }: Question): Promise<Reply> {
  const startedAtMs = steadyNow();
  const startMs = performance.now();
  const answer = await new Promise<Pick<Reply, 'status' | 'retryAfter' | 'body'>>((resolve) => {
    const sent = request(
      url,
      {
        agent,
        method: body ? 'POST' : 'GET',
        headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
        signal: AbortSignal.timeout(timeoutMs),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => (text += more));
        response.once('close', () => {
          resolve({
            status: response.complete ? (response.statusCode ?? 0) : 0,
            retryAfter: response.headers['retry-after'] ?? null,
            body: objectFrom(text),
          });
        });
        response.on('error', () => undefined);
      },
    );
    sent.once('error', () => {
      resolve({ status: 0, retryAfter: null, body: {} });
    });
    sent.end(body && JSON.stringify(body));
  });
  return { ...answer, startedAtMs, endedAtMs: steadyNow(), tookMs: performance.now() - startMs };
}
