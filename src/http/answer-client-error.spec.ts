import { once } from 'node:events';
import { connect } from 'node:net';
import { createEdge, type Edge } from '../../test/support/create-edge.js';

describe('what is no request', () => {
  let edge: Edge;
  let port: number;

  beforeAll(async () => {
    edge = await createEdge();
    await edge.app.listen(0, '127.0.0.1');
    port = Number(new URL(await edge.app.getUrl()).port);
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

  it('does no harm to those who ask properly', async () => {
    const broken = connect(port, '127.0.0.1');
    await once(broken, 'connect');
    broken.resetAndDestroy();
    const response = await fetch(`http://127.0.0.1:${String(port)}/health/live`);
    expect(await response.json()).toEqual({ status: 'ok' });
  });
});
