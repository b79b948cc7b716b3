import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { GatewayClient } from './gateway-client.js';
import { TokenClientError } from './token-client-error.js';

interface Asked {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

describe('GatewayClient', () => {
  let server: Server;
  let url: string;
  const asked: Asked[] = [];
  /** Null: the connection is cut once the request was read. */
  let answer: { status: number; headers?: Record<string, string>; body?: string } | null;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        asked.push({ method: request.method, url: request.url, headers: request.headers, body });
        if (answer === null) request.socket.destroy();
        else response.writeHead(answer.status, answer.headers).end(answer.body);
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
    answer = { status: 200, headers: { 'x-token-generation': '7' }, body: '{"errcode":0}' };
  });
  const gateway = (urls: string | string[] = url) =>
    new GatewayClient({ url: urls, apiKey: 'key-1', app: 'shop' });

  it('calls the path at the broker with the API key, and the rest as it is given', async () => {
    const response = await gateway(`${url}/`).fetch('/cgi-bin/message/custom/send?a=%2F', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'mine' },
      body: '{"touser":"o1"}',
    });
    expect(await response.json()).toEqual({ errcode: 0 });
    expect(asked).toMatchObject([
      {
        method: 'POST',
        url: '/gateway/shop/cgi-bin/message/custom/send?a=%2F',
        headers: { authorization: 'Bearer key-1', 'content-type': 'application/json' },
        body: '{"touser":"o1"}',
      },
    ]);
  });

  it.each([404, 429, 503])('gives what the platform answers, also with %i', async (status) => {
    answer = { status, headers: { 'x-token-generation': '7' }, body: 'of the platform' };
    const response = await gateway().fetch('/a');
    expect([response.status, await response.text()]).toEqual([status, 'of the platform']);
  });

  it('gives a ticket that the broker answers with', async () => {
    answer = { status: 200, body: '{"errcode":0,"ticket":"t"}' };
    expect(await (await gateway().fetch('/cgi-bin/ticket/getticket')).json()).toMatchObject({ ticket: 't' });
  });

  it('follows no redirect, which would take the key along', async () => {
    answer = { status: 302, headers: { 'x-token-generation': '7', location: `${url}/elsewhere` } };
    expect((await gateway().fetch('/a')).status).toBe(302);
    expect(asked).toHaveLength(1);
  });

  it('throws what the broker says when it answers itself, and sends nothing again', async () => {
    answer = {
      status: 502,
      body: '{"code":"upstream_unavailable","detail":"Nothing was sent.","retry_after":5}',
    };
    const error = await gateway()
      .fetch('/a')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TokenClientError);
    expect(error).toMatchObject({ code: 'upstream_unavailable', status: 502, retryAfterSeconds: 5 });
    expect(asked).toHaveLength(1);
  });

  it('sends a call once when the connection breaks, and the next one elsewhere', async () => {
    const client = gateway([url, 'http://127.0.0.1:1']);
    answer = null;
    await expect(client.fetch('/a', { method: 'POST', body: 'x' })).rejects.toMatchObject({
      code: 'unreachable',
    });
    expect(asked).toHaveLength(1);
    await expect(client.fetch('/a')).rejects.toMatchObject({ code: 'unreachable' });
    expect(asked).toHaveLength(1);
    answer = { status: 200 };
    expect((await client.fetch('/a')).status).toBe(200);
  });

  it('ends with the signal of the call, whose reason it throws', async () => {
    const reason = new Error('enough');
    await expect(gateway().fetch('/a', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  it('says at once which option or path cannot work', async () => {
    expect(() => gateway([])).toThrow(/url/);
    expect(() => new GatewayClient({ url, apiKey: 'a b', app: 'shop' })).toThrow(/apiKey/);
    expect(() => new GatewayClient({ url, apiKey: 'k', app: '../token' })).toThrow(/app/);
    await expect(gateway().fetch('cgi-bin/a')).rejects.toThrow(/slash/);
  });

  it('shows its key to nobody who writes it out', () => {
    expect(inspect(gateway()) + JSON.stringify(gateway())).not.toContain('key-1');
  });
});
