import { once } from 'node:events';
import { connect } from 'node:net';
import { BareConnection } from '../../../test/support/bare-connection.js';
import { createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import type { HeldToken } from '../../core/token.js';

describe('what is no request', () => {
  let edge: Edge;
  let port: number;
  let url: string;

  beforeAll(async () => {
    edge = await createEdge();
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
    port = Number(new URL(url).port);
  });
  afterAll(() => edge.app.close());

  async function answerTo(text: string) {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    let answer = '';
    socket.on('data', (part: string) => (answer += part)).write(text);
    await once(socket, 'close');
    const [head = '', body = ''] = answer.split('\r\n\r\n');
    const [status, ...headers] = head.split('\r\n');
    return { status, headers, body };
  }

  it.each([
    ['no HTTP', 'hello\r\n\r\n', 400, 'Bad Request', 'invalid_request'],
    [
      'no version that there is',
      'GET /token?x=s3cret HTTP/9.9\r\n\r\n',
      400,
      'Bad Request',
      'invalid_request',
    ],
    [
      'a header without a colon',
      'GET / HTTP/1.1\r\nAuthorization s3cret\r\n\r\n',
      400,
      'Bad Request',
      'invalid_request',
    ],
    [
      'headers too large',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'s3cret'.repeat(10_000)}\r\n\r\n`,
      431,
      'Request Header Fields Too Large',
      'headers_too_large',
    ],
  ])('is answered as a problem, too: %s', async (_, text, status, title, code) => {
    const answer = await answerTo(text);
    expect(answer.status).toBe(`HTTP/1.1 ${String(status)} ${title}`);
    expect(answer.headers).toEqual([
      'Content-Type: application/problem+json',
      'Cache-Control: no-store',
      `Content-Length: ${String(Buffer.byteLength(answer.body))}`,
      'Connection: close',
    ]);
    expect(JSON.parse(answer.body)).toEqual({
      type: 'about:blank',
      title,
      status,
      code,
      detail: expect.any(String),
    });
    expect(answer.body).not.toContain('s3cret');
  });

  const head = (path: string, key = keyOf('orders')): string =>
    `GET ${path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${key}\r\n\r\n`;

  it('is not answered in the midst of another answer', async () => {
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
    const connection = await BareConnection.to(url);
    connection.write(head('/token/events?app=shop'));
    await eventually('an event', () => connection.received.includes('"generation":7'));
    const stream = connection.received;
    connection.write('\0 no HTTP\r\n\r\n');
    await connection.closed;
    expect(connection.received).toBe(stream);
  });

  it('is answered after the answers that were asked for before it', async () => {
    let give: (held: HeldToken) => void = () => undefined;
    edge.broker.tokens.clear();
    edge.broker.currentAnswer = () =>
      new Promise<HeldToken>((resolve) => (give = resolve)) as unknown as HeldToken;
    const connection = await BareConnection.to(url);
    connection.write(`${head('/token?app=shop')}${head('/health/live')}no HTTP\r\n\r\n`);
    await eventually('asked', () => edge.broker.waits.length > 0);
    expect(connection.received).toBe('');
    give(heldToken(7, 7_000_500));
    await connection.closed;
    expect(connection.statuses).toEqual([200, 200, 400]);
  });

  it('is answered at once when it is a body that cannot be read', async () => {
    const connection = await BareConnection.to(url);
    connection.write('POST /token/refresh HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n');
    await connection.closed;
    expect(connection.statuses).toEqual([400]);
  });

  it('does no harm to those who ask properly', async () => {
    const broken = connect(port, '127.0.0.1');
    await once(broken, 'connect');
    broken.resetAndDestroy();
    const response = await fetch(`http://127.0.0.1:${String(port)}/health/live`);
    expect(await response.json()).toEqual({ status: 'ok' });
  });
});
