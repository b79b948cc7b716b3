import { connect, type Socket } from 'node:net';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { EventReader } from '../../../test/support/event-reader.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { Callers } from '../auth/callers.js';
import { TokenEventStreams } from './token-event-streams.js';

const MB = 1024 * 1024;
const MANY_NAMES = Array.from({ length: 201 }, (_, at) => `app=a${String(at)}`).join('&');
const CLIENTS = [apiClient('orders'), apiClient('mailer', { apps: ['blog'] })];

describe('a stream for many apps', () => {
  let edge: Edge;
  let url: string;
  const readers: EventReader[] = [];

  beforeEach(async () => {
    edge = await createEdge({ clients: CLIENTS, limits: { streamsPerClient: 2 } });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
    edge.broker.tokens.set('blog', heldToken(20, 7_000_500));
  });
  afterEach(async () => {
    for (const reader of readers.splice(0)) reader.close();
    await edge.app.close();
  });

  const open = async (query: string, client = 'orders'): Promise<EventReader> => {
    const reader = await EventReader.open(`${url}/token/events?${query}`, { key: keyOf(client) });
    readers.push(reader);
    return reader;
  };
  const rotate = (app: string, generation: number): void => {
    edge.broker.rotate(app, heldToken(generation, 7_000_500));
    edge.clock.pass(0);
  };
  const seen = (reader: EventReader): string[] =>
    reader.events.map(({ data }) => {
      const { app, generation } = data as { app: string; generation: number };
      return `${app} ${String(generation)}`;
    });
  const has = (reader: EventReader, ...tokens: readonly string[]) =>
    eventually(tokens.join(', '), () => {
      const have = seen(reader);
      return have.length >= tokens.length && tokens.every((token) => have.includes(token));
    });

  it.each(['app=shop&app=blog', 'app=*'])('%s: has the token of each, and each new one', async (query) => {
    const reader = await open(query);
    await has(reader, 'shop 7', 'blog 20');
    const alone = await edge.send('GET', '/token?app=shop', 'orders');
    expect(reader.events.find(({ id }) => id === '7')?.data).toEqual(alone.json());
    rotate('shop', 8);
    rotate('blog', 21);
    await has(reader, 'shop 8', 'blog 21');
    expect(seen(reader)).toHaveLength(4);
  });

  it('of all is of those that the caller sees', async () => {
    const reader = await open('app=*', 'mailer');
    await has(reader, 'blog 20');
    rotate('shop', 8);
    rotate('blog', 21);
    await has(reader, 'blog 21');
    expect(seen(reader)).toEqual(['blog 20', 'blog 21']);
  });

  it('has the first token of an app that had none, and a comment every 15 s', async () => {
    edge.broker.tokens.delete('blog');
    const reader = await open('app=*');
    await has(reader, 'shop 7');
    rotate('blog', 21);
    await has(reader, 'blog 21');
    edge.clock.pass(15_000);
    await eventually('a comment', () => reader.received.some(({ text }) => text === ':\n\n'));
  });

  it('follows what the caller may see after a change of the configuration, and ends when that is nothing named', async () => {
    const grant = (apps: string[]) => {
      const clients = [apiClient('orders', { apps })];
      edge.app.get(Callers).replace({ clients, issuers: [] }, edge.broker.apps);
      edge.app.get(TokenEventStreams).recheck(new Set());
    };
    grant(['shop']);
    const [all, named] = [await open('app=*'), await open('app=shop')];
    await has(all, 'shop 7');

    grant(['blog']);
    await has(all, 'blog 20');
    expect(await named.ended).toBe('cleanly');
    rotate('shop', 8);
    rotate('blog', 21);
    await has(all, 'blog 21');
    expect(seen(all)).toEqual(['shop 7', 'blog 20', 'blog 21']);

    edge.app.get(Callers).replace({ clients: [], issuers: [] }, edge.broker.apps);
    edge.app.get(TokenEventStreams).recheck(new Set());
    expect(await all.ended).toBe('cleanly');
  });

  it('counts as one stream of its client', async () => {
    await open('app=*');
    await open('app=shop&app=blog');
    await expect(open('app=*')).rejects.toThrow('429');
  });

  it('is recorded by app, or once for all', async () => {
    await open('app=shop&app=blog');
    await open('app=*');
    expect(edge.audit.entries).toMatchObject([
      { action: 'events.open', app: 'shop', token: { generation: 7 } },
      { action: 'events.open', app: 'blog', token: { generation: 20 } },
      { action: 'events.open', app: null, reason: 'all_apps' },
    ]);
  });

  it.each([
    [400, 'invalid_request', 'app=*&app=shop', 'orders'],
    [400, 'invalid_request', MANY_NAMES, 'orders'],
    [404, 'unknown_app', 'app=shop&app=nobody', 'orders'],
    [404, 'unknown_app', 'app=shop&app=blog', 'mailer'],
  ])('is refused with %i %s (case %#)', async (status, code, query, client) => {
    const answer = await edge.send('GET', `/token/events?${query}`, client);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
  });

  describe('whose reader does not read', () => {
    let socket: Socket;
    beforeEach(async () => {
      socket = connect(Number(new URL(url).port), '127.0.0.1').pause();
      const head = `host: x\r\nauthorization: Bearer ${keyOf('orders')}`;
      socket.write(`GET /token/events?app=* HTTP/1.1\r\n${head}\r\n\r\n`);
      await eventually('open', () => edge.observer.requests.length > 0);
    });
    afterEach(() => socket.destroy());

    /** Larger than any token, so that few of them fill the buffers of the machine between the two. */
    const rotateLarge = (generation: number): void => {
      const held = heldToken(generation, 7_000_500);
      edge.broker.rotate('shop', { ...held, record: { ...held.record, value: 'x'.repeat(MB) } });
      edge.clock.pass(0);
    };

    it('is written the newest tokens once it reads, and not those between', async () => {
      for (let generation = 8; generation < 40; generation += 1) rotateLarge(generation);
      rotate('shop', 40);
      rotate('blog', 21);
      let text = '';
      socket
        .on('data', (chunk) => {
          text += chunk.toString('latin1').replace(/x{9,}/g, '');
        })
        .resume();
      await eventually('the newest', () => {
        edge.clock.pass(50);
        return /^id: 40$/m.test(text) && /^id: 21$/m.test(text);
      });
      expect(text).not.toMatch(/^id: 39$/m);
    });

    it('is cut off after half a minute', async () => {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      for (let generation = 8; generation < 40; generation += 1) rotateLarge(generation);
      edge.clock.nowMs += 31_000;
      edge.clock.pass(50);
      socket.resume();
      await closed;
    });
  });

  it('has two thousand tokens for a new reader, a few at a time', async () => {
    await edge.app.close();
    const apps = Array.from({ length: 2000 }, (_, at) => `app-${String(at)}`);
    edge = await createEdge({ clients: [apiClient('orders', { apps: '*' })], apps });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
    for (const app of apps) edge.broker.tokens.set(app, heldToken(7, 7_000_500));
    const reader = await open('app=*');
    await eventually('all of them', () => {
      edge.clock.pass(50);
      return reader.events.length === apps.length;
    });
    expect(new Set(seen(reader)).size).toBe(apps.length);
  });
});
