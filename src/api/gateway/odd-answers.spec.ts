import fc from 'fast-check';
import http, { type IncomingMessage } from 'node:http';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { wechatApi } from '../../../test/support/echoing-api.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import {
  bytesOf,
  EXAMPLES,
  hasNoBody,
  isSound,
  oddAnswers,
  rawOf,
  type OddAnswer,
} from '../../../test/support/odd-answers.js';
import { RawPlatform } from '../../../test/support/raw-platform.js';

const RUNS = 200;
const KIB = 1024;
/** None of the generated answers waits for anything. */
const MAX_MS = 4000;
const ALLOW = ['* /cgi-bin/**'];
interface Heard {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  /** The caller saw that the answer is not whole. */
  readonly isCut: boolean;
}

describe('an answer of a platform, as odd as it may be', () => {
  let platform: RawPlatform;
  let edge: Edge;
  let url: string;
  /** One connection: the next call is made on it, unless the broker has closed it. */
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let calls = 0;

  beforeAll(async () => {
    platform = await RawPlatform.start();
    edge = await createEdge({
      clients: [
        apiClient('calls', { scopes: ['gateway'], gateway: { allow: ALLOW, maxBodyBytes: 4 * KIB * KIB } }),
      ],
      gateway: { apps: [wechatApi('shop', platform.url)], maxInFlightPerApp: 10 },
    });
    edge.broker.tokens.set('shop', heldToken(7, 60_000));
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  afterAll(async () => {
    agent.destroy();
    platform.close();
    edge.app.getHttpServer().closeAllConnections();
    await edge.app.close();
  });

  const call = (method: string, path: string, bytes: number, isChunked = false): Promise<Heard> =>
    new Promise((resolve, reject) => {
      const request = http.request(`${url}/gateway/shop${path}`, {
        agent,
        method,
        headers: {
          authorization: `Bearer ${keyOf('calls')}`,
          ...(method === 'POST' &&
            (isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': bytes })),
        },
        timeout: MAX_MS,
      });
      const hung = setTimeout(() => {
        request.destroy();
        reject(new Error('no answer in time'));
      }, MAX_MS);
      let response: IncomingMessage | null = null;
      const chunks: Buffer[] = [];
      const end = (isCut: boolean): void => {
        clearTimeout(hung);
        const { statusCode = 0, headers = {} } = response ?? {};
        resolve({ status: statusCode, headers, body: Buffer.concat(chunks), isCut });
      };
      request.on('error', (error) => {
        if (response) return;
        clearTimeout(hung);
        reject(error);
      });
      request.once('response', (got) => {
        response = got;
        got.on('data', (chunk: Buffer) => chunks.push(chunk));
        got.once('end', () => {
          end(false);
        });
        got.once('error', () => {
          end(true);
        });
      });
      request.end(method === 'POST' ? Buffer.alloc(bytes, 'body') : undefined);
    });

  const expectSound = (answer: OddAnswer, heard: Heard): void => {
    expect(heard.status).toBe(Number(answer.status.slice(0, 3)));
    expect(heard.isCut).toBe(false);
    expect(heard.body.equals(hasNoBody(answer) ? Buffer.alloc(0) : bytesOf(answer.body))).toBe(true);
    const text = (name: string): string =>
      Buffer.from(String(heard.headers[name] ?? ''), 'latin1').toString();
    if (answer.headers.includes('Wechatmp-Title: 图')) expect(text('wechatmp-title')).toBe('图');
  };

  const expectWellFormed = ({ method, status, body }: OddAnswer, heard: Heard): void => {
    if (heard.status === 502) {
      const code = /"code":"(\w+)"/.exec(heard.body.toString())?.[1];
      expect(method === 'HEAD' ? 'upstream_lost' : code).toBe('upstream_lost');
      return;
    }
    expect(heard.status).toBe(Number.parseInt(status.trim().slice(0, 3), 10));
    expect(heard.isCut || bytesOf(body).subarray(0, heard.body.length).equals(heard.body)).toBe(true);
  };

  it(`reaches the caller whole, or as an error or a cut that it can see; nothing is sent twice, and the next call is well: ${RUNS} answers`, async () => {
    await fc.assert(
      fc.asyncProperty(oddAnswers, async (answer) => {
        calls += 1;
        const path = `/cgi-bin/odd/${calls}`;
        const sent = `${answer.method} ${path}`;
        platform.answerTo(sent, rawOf(answer));
        const heard = await call(answer.method, path, answer.requestBytes, answer.isChunked);
        // One that comes before the platform has read the call may be lost with the connection.
        const isLate = !answer.isEarly || answer.method !== 'POST' || answer.requestBytes === 0;
        if (isSound(answer) && isLate) expectSound(answer, heard);
        else expectWellFormed(answer, heard);
        expect(heard.headers).not.toHaveProperty('set-cookie');
        expect(heard.headers).not.toHaveProperty('location');
        expect(platform.calls.filter((one) => one === sent)).toHaveLength(1);

        const next = `/cgi-bin/next/${calls}`;
        const body = Buffer.from(`{"n":${calls}}`);
        const head = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`;
        platform.answerTo(`GET ${next}`, { pieces: [Buffer.from(head), body], end: 'keep' });
        const good = await call('GET', next, 0);
        expect([good.status, good.body.toString(), good.isCut]).toEqual([200, body.toString(), false]);
      }),
      { numRuns: RUNS, examples: EXAMPLES.map((example) => [example]) },
    );
    await eventually('all to be through', () => edge.gatewayObserver.inFlightNow === 0);
  }, 60_000);
});
