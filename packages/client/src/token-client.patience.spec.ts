import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { eventually } from '../../../test/support/eventually.js';
import { createTokenClient } from './create-token-client.js';
import type { TokenClient } from './token-client.js';

const TOKEN = JSON.stringify({ access_token: 'secret', generation: 7, expires_in: 7000, cache_max_age: 60 });

const TIMEOUT_MS = 1500;

describe('a token client', () => {
  const servers: Server[] = [];
  const clients: TokenClient[] = [];

  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
    for (const server of servers.splice(0)) server.close().closeAllConnections();
  });

  const listen = async (answer: RequestListener): Promise<string> => {
    const server = createServer(answer).listen(0, '127.0.0.1');
    servers.push(server);
    await once(server, 'listening');
    return `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  };

  const connect = (url: string | readonly string[], timeoutMs = 600, stream = false): TokenClient => {
    const client = createTokenClient({ url, apiKey: 'tbk_key', timeoutMs, stream });
    clients.push(client);
    return client;
  };

  const silent: RequestListener = () => undefined;
  const halting: RequestListener = (_, response) => {
    response.writeHead(200, { 'content-length': TOKEN.length });
    response.write(TOKEN.slice(0, 20));
  };

  it.each([
    ['that is silent', silent, 1],
    ['of four addresses that are silent', silent, 4],
    ['that stops in the middle of its answer', halting, 1],
  ])('waits for a broker %s no longer than timeoutMs', async (_, answer, addresses) => {
    const urls = await Promise.all(Array.from({ length: addresses }, () => listen(answer)));
    const client = connect(urls, TIMEOUT_MS);
    const startMs = performance.now();
    const asked = [client.get(), client.report('secret')];
    await Promise.all(asked.map((one) => expect(one).rejects.toMatchObject({ code: 'unreachable' })));
    // Two tries with a time limit of their own would take twice as long.
    expect(performance.now() - startMs).toBeLessThan(1.9 * TIMEOUT_MS);
  });

  it('has time left for another address when one is silent', async () => {
    const urls = await Promise.all([listen(silent), listen((_, response) => response.end(TOKEN))]);
    for (const url of [urls, urls.toReversed()]) {
      expect(await connect(url, 4000).report('refused')).toBe('secret');
    }
  });

  it.each([0, 1])(
    'asks by itself where the event stream opens and ends with %i comments',
    async (comments) => {
      let polls = 0;
      const url = await listen((request, response) => {
        const isStream = request.url?.startsWith('/token/events');
        if (isStream) response.writeHead(200, { 'content-type': 'text/event-stream' });
        else polls += 1;
        response.end(isStream ? ':\n\n'.repeat(comments) : TOKEN);
      });
      let streams = 0;
      servers[0]?.on('request', ({ url: path }) => (streams += Number(path?.includes('events'))));
      await connect(url, 600, true).get();
      await eventually('opened again', () => streams > 2);
      expect(polls > 1).toBe(comments === 0);
    },
  );

  it('shows neither its token nor its key when it is written out', async () => {
    const client = connect(await listen((_, response) => response.end(TOKEN)));
    expect(await client.get()).toBe('secret');
    for (const text of [JSON.stringify({ client }), inspect({ client }, { depth: null })]) {
      expect(text).toMatch(/generation"?: ?7/);
      expect(text).not.toMatch(/secret|tbk_key/);
    }
  });
});
