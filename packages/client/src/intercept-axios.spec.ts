import axios, { type AxiosInstance } from 'axios';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { FakeTokenClient } from '../../../test/support/fake-token-client.js';
import { interceptAxios } from './intercept-axios.js';

interface Seen {
  readonly token: string | null;
  readonly query: string;
  readonly type: string | undefined;
  readonly body: string;
}

describe('interceptAxios', () => {
  let server: Server;
  let baseURL: string;
  let seen: Seen[];
  let living: string;
  let status: number;
  let client: FakeTokenClient;
  let api: AxiosInstance;

  beforeEach(async () => {
    [seen, living, status, client] = [[], 'token-1', 200, new FakeTokenClient()];
    server = createServer((request, response) => {
      void text(request).then((body) => {
        const { searchParams, search } = new URL(request.url ?? '', 'http://platform');
        const token = searchParams.get('access_token');
        seen.push({ token, query: search, type: request.headers['content-type'], body });
        const errcode = token === living ? 0 : 40001;
        response.writeHead(errcode === 0 ? 200 : status, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ errcode }));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseURL = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    api = axios.create({ baseURL });
    interceptAxios(api, client.asClient);
  });
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  const tokens = (): unknown[] => seen.map(({ token }) => token);

  it('adds the token to what is asked', async () => {
    const { data } = await api.get('/cgi-bin/user/info', { params: { openid: 'o1' } });
    expect(data).toEqual({ errcode: 0 });
    expect(seen.map(({ query }) => query)).toEqual(['?openid=o1&access_token=token-1']);
    expect(client.reports).toEqual([]);
  });

  it('sends the same once more with the new token when the first is refused', async () => {
    living = 'token-2';
    const { data } = await api.post('/cgi-bin/message/custom/send', { touser: 'o1' });
    expect(data).toEqual({ errcode: 0 });
    expect(tokens()).toEqual(['token-1', 'token-2']);
    expect(client.reports).toEqual(['token-1']);
    expect(new Set(seen.map(({ body, type }) => `${body} ${type ?? ''}`)).size).toBe(1);
    expect(seen[1]?.body).toBe('{"touser":"o1"}');
  });

  it('sends what it was given, and not what became of it the first time', async () => {
    living = 'token-2';
    await api.post('/', 'x', { transformRequest: [(data) => `<${String(data)}>`] });
    expect(seen.map(({ body }) => body)).toEqual(['<x>', '<x>']);
  });

  it('does the same when the refusal comes as an HTTP error', async () => {
    [living, status] = ['token-2', 400];
    expect((await api.get('/')).data).toEqual({ errcode: 0 });
    expect(tokens()).toEqual(['token-1', 'token-2']);
  });

  it('never sends it a third time', async () => {
    living = 'none at all';
    expect((await api.get('/')).data).toEqual({ errcode: 40001 });
    status = 400;
    await expect(api.get('/')).rejects.toMatchObject({ response: { data: { errcode: 40001 } } });
    expect(tokens()).toEqual(['token-1', 'token-2', 'token-2', 'token-3']);
  });

  it('returns the refusal when the broker has no other token', async () => {
    [living, client.isStuck] = ['token-2', true];
    expect((await api.get('/')).data).toEqual({ errcode: 40001 });
    expect(tokens()).toEqual(['token-1']);
  });

  it('reports, but does not send again, what was a stream', async () => {
    living = 'token-2';
    const { data } = await api.post('/', Readable.from(['x']), { headers: { 'content-type': 'text/plain' } });
    expect(data).toEqual({ errcode: 40001 });
    expect(client.reports).toEqual(['token-1']);
    expect((await api.get('/')).data).toEqual({ errcode: 0 });
  });

  it('knows parameters in either form, and leaves a token alone that is there', async () => {
    await api.get('/', { params: new URLSearchParams({ a: '1' }) });
    await api.get('/', { params: { access_token: 'mine' } });
    await api.get('/', { params: new URLSearchParams({ access_token: 'mine' }) });
    await api.get('/?access_token=mine', { params: { a: '1' } });
    await api.get('/?my_access_token=1');
    expect(seen.map(({ query }) => query)).toEqual([
      '?a=1&access_token=token-1',
      '?access_token=mine',
      '?access_token=mine',
      '?access_token=mine&a=1',
      '?my_access_token=1&access_token=token-1',
    ]);
    expect(client.reports).toEqual([]);
  });

  it('sends no token to another address than its own', async () => {
    await api.get(`${baseURL.replace('127.0.0.1', 'localhost')}/`).catch(() => undefined);
    await api.get(`${baseURL}/`);
    expect(tokens().filter((token) => token !== null)).toEqual(['token-1']);
  });

  describe('gives the token', () => {
    const WECHAT = 'https://api.weixin.qq.com';
    const OTHER = 'https://example.com';

    /** Whether a request to `url` gets one; it is not sent. */
    const isGiven = async (
      base: string | undefined,
      url: string,
      origins: string[] | null,
    ): Promise<boolean> => {
      const config = base === undefined ? {} : { baseURL: base };
      const instance = axios.create({
        ...config,
        adapter: async (request) => ({ data: {}, status: 200, statusText: '', headers: {}, config: request }),
      });
      interceptAxios(instance, client.asClient, { origins: origins ?? undefined });
      const { config: request } = await instance.get(url);
      return (request.params as { access_token?: string } | undefined)?.access_token === 'token-1';
    };

    it.each<[string | undefined, string, string[] | null]>([
      [undefined, `${WECHAT}/cgi-bin/user/info`, null],
      ['', `${WECHAT}/cgi-bin/user/info`, null],
      [undefined, 'HTTPS://API.weixin.qq.com:443/cgi-bin/user/info', null],
      [WECHAT, '/cgi-bin/user/info', null],
      [WECHAT, `${WECHAT}/cgi-bin/user/info`, null],
      [`${OTHER}/wechat/`, 'cgi-bin/user/info', null],
      [`${OTHER}/wechat/`, `${OTHER}/x`, null],
      [undefined, `${OTHER}/x`, [`${OTHER}/`]],
      [WECHAT, `${OTHER}/x`, [OTHER, WECHAT]],
    ])('from %s to %s, with origins %j', async (base, url, origins) => {
      expect(await isGiven(base, url, origins)).toBe(true);
    });

    it.each<[string | undefined, string, string[] | null]>([
      [undefined, `${OTHER}/x`, null],
      [undefined, 'http://api.weixin.qq.com/x', null],
      [undefined, 'https://api.weixin.qq.com.example.com/x', null],
      [undefined, 'https://api.weixin.qq.com@example.com/x', null],
      [undefined, 'https://api.weixin.qq.com:8443/x', null],
      [undefined, '/cgi-bin/user/info', null],
      [undefined, '//api.weixin.qq.com/x', null],
      [undefined, '', null],
      [WECHAT, `${OTHER}/x`, null],
      [WECHAT, '//example.com/x', null],
      [OTHER, `${WECHAT}/x`, null],
      ['/relative', '/x', null],
      ['/relative', `${WECHAT}/x`, null],
      ['unix:/a', 'file:///b', null],
      [undefined, `${WECHAT}/x`, [OTHER]],
      [WECHAT, '/x', [OTHER]],
      [WECHAT, '/x', []],
    ])('not from %s to %s, with origins %j', async (base, url, origins) => {
      expect(await isGiven(base, url, origins)).toBe(false);
    });

    it('and refuses origins that are none', () => {
      for (const origins of [['api.weixin.qq.com'], ['data:x']]) {
        expect(() => interceptAxios(api, client.asClient, { origins })).toThrow(TypeError);
      }
    });
  });

  it('heals by an errcode that only the errcodeOf of the client finds', async () => {
    client.reading.errcodeOf = (outcome) => (outcome as { data?: { result?: number } }).data?.result;
    const transformResponse = [
      (data: string) => ({ result: (JSON.parse(data) as { errcode: number }).errcode }),
    ];
    living = 'token-2';
    expect((await api.get('/', { transformResponse })).data).toEqual({ result: 0 });
    expect(tokens()).toEqual(['token-1', 'token-2']);
  });

  it('passes other errors through', async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await expect(api.get('/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(client.reports).toEqual([]);
  });

  it('can be taken off', async () => {
    const plain = axios.create({ baseURL });
    const takeOff = interceptAxios(plain, client.asClient);
    await plain.get('/');
    takeOff();
    await plain.get('/');
    expect(tokens()).toEqual(['token-1', null]);
  });
});
