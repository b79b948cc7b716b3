import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import type { Deadline } from '../../core/ports/token-issuer.js';
import { PlatformApi } from '../http/platform-api.js';
import { WechatIssuer } from './wechat.issuer.js';

/** Each encoding of it looks different. */
const SECRET = 'sécret+/&= 0123456789';
const TOKEN = '83_AbC+dEf/GhI=jKl-MnO_pQr';
const CREDENTIALS = { app: 'shop', appId: 'wx0123', appSecret: SECRET };
const SUCCESS = JSON.stringify({ access_token: TOKEN, expires_in: 7200 });
const KIB_64 = 64 * 1024;

const deadlineIn = (timeoutMs: number): Deadline => ({ signal: AbortSignal.timeout(timeoutMs), timeoutMs });

/** What the platform does with a request; each test sets its own. */
let platform: (request: http.IncomingMessage, response: http.ServerResponse) => void;
let seen: { line: string; contentType: string | undefined; body: string }[];
let server: http.Server;
let baseUrl: string;

beforeAll(async () => {
  server = http.createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      seen.push({
        line: `${request.method ?? ''} ${request.url ?? ''}`,
        contentType: request.headers['content-type'],
        body: Buffer.concat(chunks).toString(),
      });
      platform(request, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  baseUrl = urlOf(server);
});

beforeEach(() => {
  seen = [];
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const urlOf = (listening: net.Server, scheme = 'http') =>
  `${scheme}://127.0.0.1:${(listening.address() as AddressInfo).port}`;

const answers =
  (
    body: string | Buffer,
    { status = 200, ...headers }: { status?: number; [header: string]: string | number } = {},
  ) =>
  (_: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(status, headers).end(body);
  };

/** Sends the text as it is, one character every 10 ms, without end. */
const drips = (start: string) => (request: http.IncomingMessage) => {
  request.socket.write(start);
  const timer = setInterval(() => request.socket.write('x'), 10);
  request.socket.once('close', () => {
    clearInterval(timer);
  });
};

const expectNoCanary = (outcome: unknown) => {
  const shown = inspect(outcome, { depth: 10, showHidden: true });
  for (const canary of [SECRET, TOKEN]) {
    expect(shown).not.toContain(canary);
    expect(shown).not.toContain(encodeURIComponent(canary));
    expect(shown).not.toContain(new URLSearchParams({ canary }).toString().slice('canary='.length));
    expect(shown).not.toContain(Buffer.from(canary).toString('base64'));
  }
};

describe.each(['classic', 'stable'] as const)('WechatIssuer, %s grant', (grant) => {
  const issue = (timeoutMs = 5000, apiBaseUrl = baseUrl) =>
    new WechatIssuer({ grant, api: new PlatformApi(apiBaseUrl) }).issue(CREDENTIALS, deadlineIn(timeoutMs), {
      forceNew: false,
    });

  it('asks the way the platform documents, once, and never says more than that', async () => {
    platform = answers(SUCCESS);
    expect(await issue()).toEqual({ kind: 'issued', value: TOKEN, expiresInSeconds: 7200 });

    expect(seen).toHaveLength(1);
    const [request] = seen;
    if (grant === 'classic') {
      const query = 'grant_type=client_credential&appid=wx0123&secret=s%C3%A9cret%2B%2F%26%3D+0123456789';
      expect(request?.line).toBe(`GET /cgi-bin/token?${query}`);
      expect(request?.body).toBe('');
    } else {
      expect(request?.line).toBe('POST /cgi-bin/stable_token');
      expect(request?.contentType).toBe('application/json');
      expect(JSON.parse(request?.body ?? '')).toEqual({
        grant_type: 'client_credential',
        appid: 'wx0123',
        secret: SECRET,
        force_refresh: false,
      });
    }
  });

  it('keeps the path of a gateway', async () => {
    platform = answers(SUCCESS);
    await issue(5000, `${baseUrl}/wechat/`);
    expect(seen[0]?.line).toMatch(/^\w+ \/wechat\/cgi-bin\//);
  });

  it.each([
    [
      'application/json; encoding=utf-8',
      answers(SUCCESS, { 'content-type': 'application/json; encoding=utf-8' }),
    ],
    ['text/plain', answers(SUCCESS, { 'content-type': 'text/plain' })],
    ['text/html', answers(SUCCESS, { 'content-type': 'text/html' })],
    ['no content type', answers(SUCCESS)],
    ['a byte order mark', answers(`\uFEFF${SUCCESS}`)],
    ['compression', answers(gzipSync(SUCCESS), { 'content-encoding': 'gzip' })],
    ['64 KiB exactly', answers(SUCCESS.padEnd(KIB_64))],
  ])('reads an answer with %s', async (_, behaviour) => {
    platform = behaviour;
    expect(await issue()).toMatchObject({ kind: 'issued', value: TOKEN });
  });

  it('hands a refusal on, without a message that quotes the secret', async () => {
    platform = answers(JSON.stringify({ errcode: 40125, errmsg: `invalid appsecret ${SECRET}` }));
    const outcome = await issue();
    expect(outcome).toEqual({ kind: 'refused', errcode: 40125, message: '' });
    expectNoCanary(outcome);
  });

  it.each([
    ['an error page', answers('<html>502</html>', { status: 502 }), /status 502/],
    ['a token in an error', answers(SUCCESS, { status: 500 }), /status 500/],
    ['an errcode in an error', answers('{"errcode":40013}', { status: 403 }), /status 403/],
    ['a redirect', answers('', { status: 302, location: '/cgi-bin/token' }), /status 302/],
    ['nothing', answers('', { status: 204 }), /JSON/],
    ['a page', answers(`<html>${SECRET} ${TOKEN}</html>`), /JSON/],
    ['a cut answer', answers(SUCCESS.slice(0, -4)), /JSON/],
    ['a wrong shape', answers(SUCCESS.replace('7200', '0')), /expires_in/],
    ['over 64 KiB', answers(SUCCESS.padEnd(KIB_64 + 1)), /no complete answer/],
    [
      'over 64 KiB once unpacked',
      answers(gzipSync(SUCCESS.padEnd(10e6)), { 'content-encoding': 'gzip' }),
      /no complete/,
    ],
    [
      'a cut compressed answer',
      answers(gzipSync(SUCCESS).subarray(0, 40), { 'content-encoding': 'gzip' }),
      /JSON/,
    ],
    [
      'another protocol',
      (request: http.IncomingMessage) => request.socket.end(`SSH-2.0 ${TOKEN}\r\n`),
      /HPE_/,
    ],
    ['a reset', (request: http.IncomingMessage) => request.socket.resetAndDestroy(), /ECONNRESET/],
    ['an end before the answer', (request: http.IncomingMessage) => request.socket.end(), /ECONNRESET/],
    [
      'an end within the answer',
      (request: http.IncomingMessage) =>
        request.socket.end(`HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n${SUCCESS}`),
      /no complete answer/,
    ],
  ])('does not know what became of the request after %s', async (_, behaviour, message) => {
    platform = behaviour;
    const outcome = await issue();
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { message: expect.stringMatching(message) } });
    expect(seen).toHaveLength(1);
    expectNoCanary(outcome);
  });

  it.each([
    ['silent', () => undefined],
    ['sending its headers byte by byte', drips('HTTP/1.1 200 OK\r\nx: ')],
    ['sending its body byte by byte', drips(`HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n${TOKEN}`)],
  ])('gives up at the deadline when the platform is %s, and closes the connection', async (_, behaviour) => {
    const closed = new Promise((resolve) => {
      platform = (request) => {
        request.socket.once('close', resolve);
        behaviour(request);
      };
    });
    const startedAt = performance.now();
    const outcome = await issue(100);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    expect(outcome).toMatchObject({ kind: 'unknown', cause: { message: expect.stringContaining('100 ms') } });
    expectNoCanary(outcome);
    await closed;
  });

  it.each([
    ['the port is closed', 'http://127.0.0.1:1', /ECONNREFUSED/],
    ['the name does not exist', 'http://no-such-host.invalid', /ENOTFOUND|EAI_AGAIN|deadline/],
    ['the URL is none', 'not a url', /ERR_INVALID_URL/],
    ['the URL is empty', '', /ERR_INVALID_URL/],
    ['the scheme is not HTTP', 'ftp://127.0.0.1', /ERR_BAD_REQUEST/],
  ])('has sent nothing when %s', async (_, apiBaseUrl, message) => {
    const outcome = await issue(2000, apiBaseUrl);
    expect(outcome).toMatchObject({ kind: 'not_sent', cause: { message: expect.stringMatching(message) } });
    expectNoCanary(outcome);
  });

  it('has sent nothing when the platform does not speak TLS', async () => {
    const outcome = await issue(2000, baseUrl.replace('http:', 'https:'));
    expect(outcome.kind).toBe('not_sent');
    expect(seen).toEqual([]);
  });

  it('has sent nothing when TLS is not up at the deadline', async () => {
    const received: Buffer[] = [];
    const silent = net.createServer((socket) => {
      socket.on('data', (chunk) => received.push(chunk)).on('error', () => undefined);
    });
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');

    const outcome = await issue(100, urlOf(silent, 'https'));
    silent.close();
    expect(outcome).toMatchObject({
      kind: 'not_sent',
      cause: { message: expect.stringContaining('100 ms') },
    });
    expect(Buffer.concat(received).toString('latin1')).not.toMatch(/cgi-bin|0123456789/);
  });

  it('sends nothing when the deadline has passed already', async () => {
    platform = answers(SUCCESS);
    const issuer = new WechatIssuer({ grant, api: new PlatformApi(baseUrl) });
    const deadline = { signal: AbortSignal.abort(), timeoutMs: 0 };
    expect((await issuer.issue(CREDENTIALS, deadline, { forceNew: false })).kind).toBe('not_sent');
    expect(seen).toEqual([]);
  });

  it('goes through no proxy that the environment names', async () => {
    platform = answers(SUCCESS);
    process.env.http_proxy = baseUrl;
    const outcome = await issue(2000, 'http://127.0.0.1:1');
    delete process.env.http_proxy;
    expect(outcome.kind).toBe('not_sent');
    expect(seen).toEqual([]);
  });

  it('keeps no connection open between calls', async () => {
    platform = answers(SUCCESS);
    const sockets = new Set<net.Socket>();
    const collect = (socket: net.Socket) => sockets.add(socket);
    server.on('connection', collect);
    await issue();
    await issue();
    server.off('connection', collect);
    expect(sockets.size).toBe(2);
    const open = [...sockets].filter((socket) => !socket.destroyed);
    await Promise.all(open.map((socket) => once(socket, 'close')));
  });
});

describe('WechatIssuer, forceNew', () => {
  it.each([
    ['stable', true],
    ['stable', false],
  ] as const)('reaches the %s grant as force_refresh: %s', async (grant, forceNew) => {
    platform = answers(SUCCESS);
    await new WechatIssuer({ grant, api: new PlatformApi(baseUrl) }).issue(CREDENTIALS, deadlineIn(5000), {
      forceNew,
    });
    expect(JSON.parse(seen[0]?.body ?? '')).toMatchObject({ force_refresh: forceNew });
  });

  it('changes nothing for the classic grant', async () => {
    platform = answers(SUCCESS);
    const issuer = new WechatIssuer({ grant: 'classic', api: new PlatformApi(baseUrl) });
    await issuer.issue(CREDENTIALS, deadlineIn(5000), { forceNew: false });
    await issuer.issue(CREDENTIALS, deadlineIn(5000), { forceNew: true });
    expect(seen[1]).toEqual(seen[0]);
  });
});

describe('WechatIssuer.explain', () => {
  it('knows the errcodes', () => {
    expect(new WechatIssuer({ grant: 'stable', api: new PlatformApi(baseUrl) }).explain(40125)).toMatchObject(
      {
        class: 'configuration',
        secretRejected: true,
        curedByNewToken: 'no',
      },
    );
  });
});
