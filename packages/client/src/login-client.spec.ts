import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { LoginClientError } from './login-calls.js';
import { createPkce, LoginClient } from './login-client.js';

interface Asked {
  readonly path: string | undefined;
  readonly key: string | undefined;
  readonly body: unknown;
}

const LOGIN = { openid: 'o1', scope: ['snsapi_base'], snapshot: false, session: 'tbs_1', expires_in: 60 };

describe('LoginClient', () => {
  let server: Server;
  let url: string;
  const asked: Asked[] = [];
  /** Null: the connection is cut once the request was read. */
  let answer: { status: number; body?: object } | null;
  /** Those before `answer`, in order. */
  let before: { status: number; body?: object }[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        asked.push({ path: request.url, key: request.headers.authorization, body: JSON.parse(text) });
        const next = before.shift() ?? answer;
        if (next === null) {
          request.socket.destroy();
          return;
        }
        response.writeHead(next.status, { 'content-type': 'application/json' });
        response.end(next.body && JSON.stringify(next.body));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    asked.length = 0;
    before = [];
    answer = { status: 200, body: LOGIN };
  });
  const client = (urls: string | string[] = url) =>
    new LoginClient({ url: urls, apiKey: 'key-1', app: 'shop' });

  it('begins a login', async () => {
    const fields = { appid: 'wx1', state: 's' };
    const body = { url: 'https://a.example/', state: 's', binding: 'b', expires_in: 600, fields };
    answer = { status: 200, body };
    const begun = await client().authorizeUrl({
      redirectUri: 'https://b.example/',
      scope: 'snsapi_userinfo',
      codeChallenge: 'cc',
    });
    const { url: to, state, binding } = body;
    expect(begun).toEqual({ url: to, state, binding, expiresInSeconds: 600, fields });
    expect(asked).toEqual([
      {
        path: '/login/authorize-url',
        key: 'Bearer key-1',
        body: {
          app: 'shop',
          redirect_uri: 'https://b.example/',
          scope: 'snsapi_userinfo',
          code_challenge: 'cc',
        },
      },
    ]);
  });

  it.each([
    [
      'exchange',
      { app: 'shop', code: 'c', state: 's', binding: 'b' },
      () => client().exchange({ code: 'c', state: 's', binding: 'b' }),
    ],
    [
      'exchange',
      { app: 'shop', code: 'c', state: 's', code_verifier: 'v' },
      () => client().exchange({ code: 'c', state: 's', codeVerifier: 'v' }),
    ],
    ['exchange', { app: 'shop', js_code: 'j' }, () => client().exchangeJsCode('j')],
    ['redeem', { ticket: 't', binding: 'b' }, () => client().redeem({ ticket: 't', binding: 'b' })],
  ])('ends it by %s %j', async (route, body, call) => {
    expect(await call()).toEqual({
      openid: 'o1',
      scope: ['snsapi_base'],
      snapshot: false,
      session: 'tbs_1',
      expiresInSeconds: 60,
    });
    expect(asked).toMatchObject([{ path: `/login/${route}`, body }]);
  });

  it.each([
    [
      'userinfo',
      { profile: { nickname: '小明' } },
      { nickname: '小明' },
      () => client().userinfo('tbs_1', 'en'),
    ],
    ['session/check', { valid: true }, true, () => client().checkSession('tbs_1')],
    ['session/decrypt', { data: { a: 1 } }, { a: 1 }, () => client().decrypt('tbs_1', 'ZA==', 'aQ==')],
    ['session/key', { session_key: 'k' }, 'k', () => client().sessionKey('tbs_1')],
    [
      'tokens',
      { access_token: 'a', refresh_token: 'r', expires_in: 60, openid: 'o1', scope: ['s'] },
      { accessToken: 'a', refreshToken: 'r', expiresInSeconds: 60, openid: 'o1', scope: ['s'] },
      () => client().tokens('tbs_1'),
    ],
    ['phone', { phone_info: { phoneNumber: '1' } }, { phoneNumber: '1' }, () => client().phone('p')],
  ])('asks for %s', async (route, body, expected, call) => {
    answer = { status: 200, body };
    expect(await call()).toEqual(expected);
    expect(asked).toMatchObject([{ path: `/login/${route}` }]);
  });

  it('ends a session', async () => {
    answer = { status: 204 };
    await client().logout('tbs_1');
    expect(asked).toMatchObject([{ path: '/login/logout', body: { session: 'tbs_1' } }]);
  });

  it('says why a login failed, and what to do, and does not ask again', async () => {
    answer = {
      status: 409,
      body: { code: 'code_used', detail: 'Used.', action: 'reauthorize', errcode: 40163 },
    };
    const failure = await client([url, url])
      .exchangeJsCode('j')
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(LoginClientError);
    expect(failure).toMatchObject({ code: 'code_used', action: 'reauthorize', status: 409, errcode: 40163 });
    expect(asked).toHaveLength(1);
  });

  it('goes to the next address where one takes no connection', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await once(gone, 'listening');
    const nobody = `http://127.0.0.1:${String((gone.address() as AddressInfo).port)}`;
    gone.close();
    expect(await client([nobody, url]).exchangeJsCode('j')).toMatchObject({ openid: 'o1' });
    const lost = await client(nobody)
      .exchangeJsCode('j')
      .catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'unreachable', action: 'retry' });
  });

  it('never sends a code or ticket again after an answer was lost, and anything else once more', async () => {
    answer = null;
    const lost = (call: Promise<unknown>) => call.catch((error: unknown) => error);
    const spending = await lost(client([url, url]).exchangeJsCode('j'));
    expect([asked.length, spending]).toMatchObject([1, { code: 'unreachable', action: 'reauthorize' }]);
    const redeeming = client([url, url]).redeem({ ticket: 't', binding: 'b' });
    expect([await lost(redeeming), asked.length]).toMatchObject([{ action: 'reauthorize' }, 2]);
    const other = await lost(client().userinfo('tbs_1'));
    expect([asked.length, other]).toMatchObject([4, { code: 'unreachable', action: 'retry' }]);
  });

  it.each(['upstream_unavailable', 'store_unavailable'])(
    'sends a code once more after %s, for then nothing was sent',
    async (code) => {
      const body = { code, action: 'retry', retry_after: 0.05 };
      before = [{ status: 503, body }];
      expect(await client().exchangeJsCode('j')).toMatchObject({ openid: 'o1' });
      expect(asked).toHaveLength(2);
      answer = { status: 503, body };
      const failure = await client()
        .exchangeJsCode('j')
        .catch((error: unknown) => error);
      expect([asked.length, failure]).toMatchObject([4, { code, action: 'retry', retryAfterSeconds: 0.05 }]);
    },
  );

  it('waits for no Retry-After beyond its time', async () => {
    answer = { status: 503, body: { code: 'store_unavailable', action: 'retry', retry_after: 3600 } };
    await expect(client().exchangeJsCode('j')).rejects.toMatchObject({ retryAfterSeconds: 3600 });
    expect(asked).toHaveLength(1);
  });

  it('makes a verifier of its own for each login, and its S256 challenge', async () => {
    const [one, other] = [await createPkce(), await createPkce()];
    expect(one.codeVerifier).toMatch(/^[\w-]{43}$/);
    expect(other.codeVerifier).not.toBe(one.codeVerifier);
    const digest = createHash('sha256').update(one.codeVerifier).digest('base64url');
    expect(one.codeChallenge).toBe(digest);
  });

  it('refuses options that cannot work, and shows no key', () => {
    expect(() => client('token-broker:8080')).toThrow(TypeError);
    expect(() => new LoginClient({ url, apiKey: 'a b' })).toThrow(TypeError);
    expect(() => new LoginClient({ url, apiKey: 'a', timeoutMs: 0 })).toThrow(TypeError);
    expect(inspect(client()) + JSON.stringify(client())).not.toContain('key-1');
  });
});
