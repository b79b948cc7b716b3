import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { wechatApi } from '../../../test/support/echoing-api.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { ScriptedPlatform } from '../../../test/support/scripted-platform.js';

const MAX_BODY_BYTES = 10;
const MIB = 1024 * 1024;
const ALLOW = ['GET /cgi-bin/user/*', 'POST /cgi-bin/message/**'];
const SEND = '/cgi-bin/message/custom/send';

describe('the gateway', () => {
  let platform: ScriptedPlatform;
  let edge: Edge;
  let url: string;

  beforeAll(async () => {
    platform = await ScriptedPlatform.start();
    const client = (name: string, more: { maxBodyBytes?: number; ratePerSecond?: number } = {}) =>
      apiClient(name, {
        scopes: ['gateway'],
        gateway: { allow: ALLOW, maxBodyBytes: MAX_BODY_BYTES, ...more },
      });
    edge = await createEdge({
      apps: ['shop', 'blog', 'new', 'far'],
      clients: [
        client('calls'),
        client('slow', { ratePerSecond: 2 }),
        client('large', { maxBodyBytes: 3 * MIB }),
      ],
      gateway: {
        apps: [
          ...['shop', 'blog', 'new'].map((name) => wechatApi(name, platform.url)),
          wechatApi('far', 'http://127.0.0.1:1'),
        ],
        maxInFlightPerApp: 2,
      },
    });
    for (const app of ['shop', 'blog', 'far']) edge.broker.tokens.set(app, heldToken(7, 60_000));
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
  });
  beforeEach(() => {
    platform.answerWith('{"errcode":0}');
  });
  afterAll(async () => {
    platform.close();
    // fetch opens one in the place of an aborted call's, and has nothing to send on it.
    edge.app.getHttpServer().closeAllConnections();
    await edge.app.close();
  });

  const call = async (path: string, init: RequestInit & { client?: string; app?: string } = {}) => {
    const { client = 'calls', app = 'shop', ...rest } = init;
    const headers = { authorization: `Bearer ${keyOf(client)}` };
    const answer = await fetch(`${url}/gateway/${app}${path}`, { ...rest, headers });
    const { code } = (await answer.json()) as { readonly code?: string };
    return { status: answer.status, code, retryAfter: answer.headers.get('retry-after') };
  };
  const OK = { status: 200, code: undefined, retryAfter: null };
  const TOO_MANY = { status: 429, code: 'too_many_requests', retryAfter: '1' };

  it.each([
    ['GET', '/cgi-bin/user/info'],
    ['POST', '/cgi-bin/message'],
    ['POST', SEND],
  ])('passes on what an entry of the client allows: %s %s', async (method, path) => {
    expect(await call(path, { method })).toEqual(OK);
    expect(platform.calls).toEqual([`${method} ${path}?access_token=83_value-7`]);
  });

  it.each([
    ['POST', '/cgi-bin/user/info'],
    ['GET', '/cgi-bin/user/info/batch'],
    ['GET', '/cgi-bin/user'],
    ['POST', '/cgi-bin/messages/send'],
  ])('refuses every other call and sends nothing: %s %s', async (method, path) => {
    expect(await call(path, { method })).toMatchObject({ status: 403, code: 'path_not_allowed' });
    expect(platform.calls).toEqual([]);
  });

  const chunked = (text: string): RequestInit => ({ body: new Blob([text]).stream(), duplex: 'half' });
  it.each([
    ['with its length', (text: string): RequestInit => ({ body: text })],
    ['in chunks', chunked],
  ])('takes a body of maxBodyBytes and refuses a larger one, sent %s', async (_, bodyOf) => {
    const most = 'x'.repeat(MAX_BODY_BYTES);
    expect(await call(SEND, { method: 'POST', ...bodyOf(most) })).toEqual(OK);
    expect(await call(SEND, { method: 'POST', ...bodyOf(`${most}x`) })).toMatchObject({
      status: 413,
      code: 'payload_too_large',
    });
    expect(platform.calls).toEqual([`POST ${SEND}?access_token=83_value-7 ${most}`]);
  });

  it('refuses a body that is compressed on its way, as nobody could tell the platform', async () => {
    const headers = { authorization: `Bearer ${keyOf('calls')}`, 'transfer-encoding': 'gzip, chunked' };
    const request = http.request(`${url}/gateway/shop${SEND}`, { method: 'POST', headers }).end('{}');
    const [response] = (await once(request, 'response')) as [http.IncomingMessage];
    expect([response.statusCode, JSON.parse(await text(response))]).toMatchObject([
      400,
      { code: 'invalid_request' },
    ]);
    expect(platform.calls).toEqual([]);
  });

  it.each([
    ['its path', 'shop', '/cgi-bin/nowhere', 403],
    ['want of a token', 'new', SEND, 503],
    ['want of a connection', 'far', SEND, 502],
  ])(
    'reads the rest of a long body that it refuses for %s: the next call goes on the same connection',
    async (_, app, path, status) => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const post = async (target: string, body: Buffer) => {
        const headers = { authorization: `Bearer ${keyOf('large')}`, 'content-length': body.length };
        const request = http.request(`${url}/gateway/${target}`, { agent, method: 'POST', headers });
        request.end(body);
        const [response] = (await once(request, 'response')) as [http.IncomingMessage];
        await text(response);
        return { status: response.statusCode, isSameConnection: request.reusedSocket };
      };
      expect((await post(app + path, Buffer.alloc(2 * MIB))).status).toBe(status);
      expect(await post(`shop${SEND}`, Buffer.from('{}'))).toEqual({ status: 200, isSameConnection: true });
      expect(platform.calls).toHaveLength(1);
      agent.destroy();
    },
  );

  it('lets a client make the calls of its rate, and more once time has passed', async () => {
    const slow = () => call('/cgi-bin/user/info', { client: 'slow' });
    expect([await slow(), await slow(), await slow()]).toEqual([OK, OK, TOO_MANY]);
    expect(await call('/cgi-bin/user/info')).toEqual(OK);
    edge.clock.pass(499);
    expect(await slow()).toEqual(TOO_MANY);
    edge.clock.pass(1);
    expect([await slow(), await slow()]).toEqual([OK, TOO_MANY]);
    edge.clock.pass(60_000);
    expect([await slow(), await slow(), await slow()]).toEqual([OK, OK, TOO_MANY]);
  });

  it('has no more calls of an app under way than maxInFlightPerApp, and refuses none of another app', async () => {
    platform.answerWith('silence', 'silence', '{"errcode":0}');
    const callers = new AbortController();
    const { signal } = callers;
    const held = [1, 2].map(() => call('/cgi-bin/user/info', { signal }).catch(() => 'gone'));
    await eventually('both to arrive', () => platform.calls.length === 2);
    expect(await call('/cgi-bin/user/info')).toEqual(TOO_MANY);
    expect(await call('/cgi-bin/user/info', { app: 'blog' })).toEqual(OK);
    callers.abort();
    expect(await Promise.all(held)).toEqual(['gone', 'gone']);
    const aborted = () => edge.gatewayObserver.calls.filter((told) => told.endsWith(' aborted'));
    await eventually('both to be given up', () => aborted().length === 2);
    expect(await call('/cgi-bin/user/info')).toEqual(OK);
  });
});
