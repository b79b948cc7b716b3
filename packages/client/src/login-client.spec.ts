import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { LoginClient, LoginClientError } from './login-client.js';

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
  let answer: { status: number; body?: object };

  beforeAll(async () => {
    server = createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        asked.push({ path: request.url, key: request.headers.authorization, body: JSON.parse(text) });
        response.writeHead(answer.status, { 'content-type': 'application/json' });
        response.end(answer.body && JSON.stringify(answer.body));
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
    answer = { status: 200, body: LOGIN };
  });
  const client = (urls: string | string[] = url) =>
    new LoginClient({ url: urls, apiKey: 'key-1', app: 'shop' });

  it('begins a login', async () => {
    answer.body = { url: 'https://a.example/', state: 's', binding: 'b', expires_in: 600, fields: {} };
    const begun = await client().authorizeUrl({
      redirectUri: 'https://b.example/',
      scope: 'snsapi_userinfo',
    });
    expect(begun).toEqual({ url: 'https://a.example/', state: 's', binding: 'b', expiresInSeconds: 600 });
    expect(asked).toEqual([
      {
        path: '/login/authorize-url',
        key: 'Bearer key-1',
        body: { app: 'shop', redirect_uri: 'https://b.example/', scope: 'snsapi_userinfo' },
      },
    ]);
  });

  it.each([
    [
      'exchange',
      { app: 'shop', code: 'c', state: 's', binding: 'b' },
      () => client().exchange({ code: 'c', state: 's', binding: 'b' }),
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
    ['phone', { phone_info: { phoneNumber: '1' } }, { phoneNumber: '1' }, () => client().phone('p')],
  ])('asks for %s', async (route, body, expected, call) => {
    answer.body = body;
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

  it('goes to the next address where one gives no answer', async () => {
    expect(await client(['http://127.0.0.1:9', url]).exchangeJsCode('j')).toMatchObject({ openid: 'o1' });
    const lost = await client('http://127.0.0.1:9')
      .exchangeJsCode('j')
      .catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: 'unreachable', action: 'retry' });
  });

  it('refuses options that cannot work, and shows no key', () => {
    expect(() => client('token-broker:8080')).toThrow(TypeError);
    expect(() => new LoginClient({ url, apiKey: 'a b' })).toThrow(TypeError);
    expect(inspect(client()) + JSON.stringify(client())).not.toContain('key-1');
  });
});
