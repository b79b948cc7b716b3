import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { EventReader } from '../../../test/support/event-reader.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';

describe('GET /token/events', () => {
  let edge: Edge;
  let url: string;

  beforeEach(async () => {
    edge = await createEdge({
      clients: [
        apiClient('orders'),
        apiClient('mailer', { apps: ['blog'] }),
        apiClient('reporter', { scopes: ['token:refresh'] }),
      ],
    });
    await edge.app.listen(0, '127.0.0.1');
    url = await edge.app.getUrl();
    edge.broker.tokens.set('shop', heldToken(7, 7_000_500));
  });
  afterEach(() => edge.app.close());

  const open = (path = '/token/events?app=shop', lastEventId?: number | string): Promise<EventReader> =>
    EventReader.open(url + path, { key: keyOf('orders'), ...(lastEventId !== undefined && { lastEventId }) });

  const rotate = (generation: number, app = 'shop'): void => {
    edge.broker.rotate(app, heldToken(generation, 7_000_500));
    edge.clock.pass(0);
  };

  const has = (reader: EventReader, count: number): Promise<unknown> =>
    eventually(`${String(count)} events`, () => reader.received.length >= count);

  it('sends the current token at once, in the form of GET /token', async () => {
    const reader = await open();
    await has(reader, 1);

    const token = await edge.send('GET', '/token?app=shop', 'orders');
    expect(reader.received[0]?.text).toBe(`event: token\nid: 7\ndata: ${token.body}\n\n`);
    expect(Object.fromEntries(reader.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
  });

  it('sends each new token, counted down from when it is sent, to the streams of its app only', async () => {
    edge.broker.tokens.set('blog', heldToken(20, 5_000_500));
    const [shop, blog] = await Promise.all([open(), open('/token/events?app=blog')]);
    await Promise.all([has(shop, 1), has(blog, 1)]);

    edge.clock.nowMs = 1_000_000;
    rotate(8);
    rotate(9);
    await has(shop, 3);
    expect(shop.generations).toEqual([7, 8, 9]);
    expect(shop.events[1]?.data).toMatchObject({ access_token: '83_value-8', expires_in: 6000 });
    expect(blog.generations).toEqual([20]);
  });

  it('lets the rotation go on first, and then sends no token that was replaced meanwhile', async () => {
    const reader = await open();
    await has(reader, 1);
    edge.broker.rotate('shop', heldToken(8, 7_000_500));
    edge.broker.rotate('shop', heldToken(9, 7_000_500));
    edge.clock.pass(0);
    await has(reader, 2);
    expect(reader.generations).toEqual([7, 9]);
  });

  it('sends nothing that the reader has, until the next one', async () => {
    const reader = await open(undefined, 7);
    rotate(8);
    await has(reader, 1);
    expect(reader.generations).toEqual([8]);
  });

  it('sends nothing older than what the reader has, but first asks the store', async () => {
    edge.broker.currentAnswer = () => heldToken(9, 7_000_500);
    const [behind, ahead] = await Promise.all([open(undefined, 8), open(undefined, 12)]);
    await has(behind, 1);
    rotate(10);
    rotate(13);
    await Promise.all([has(behind, 3), has(ahead, 1)]);
    expect(behind.generations).toEqual([9, 10, 13]);
    expect(ahead.generations).toEqual([13]);
    expect(edge.broker.waits).toEqual(
      expect.arrayContaining([
        { app: 'shop', minGeneration: 8 },
        { app: 'shop', minGeneration: 12 },
      ]),
    );
  });

  it.each(['', 'abc', '99999999999999999', '-1'])(
    'takes a Last-Event-ID of "%s" for none',
    async (lastEventId) => {
      const reader = await open(undefined, lastEventId);
      await has(reader, 1);
      expect(reader.generations).toEqual([7]);
    },
  );

  it('opens without a token and sends the first one when it is there', async () => {
    edge.broker.tokens.clear();
    const reader = await open();
    await eventually('asked', () => edge.broker.waits.length === 1);
    expect(reader.received).toEqual([]);
    rotate(8);
    await has(reader, 1);
    expect(reader.generations).toEqual([8]);
  });

  it('sends a comment every 15 s while there are streams, on one timer', async () => {
    const others = edge.clock.timers.size;
    const readers = await Promise.all([open(), open()]);
    await Promise.all(readers.map((reader) => has(reader, 1)));
    expect(edge.clock.timers.size).toBe(others + 1);
    edge.clock.pass(15_000);
    edge.clock.pass(15_000);
    for (const reader of readers) {
      await has(reader, 3);
      expect(reader.received.slice(1).map(({ text }) => text)).toEqual([':\n\n', ':\n\n']);
      reader.close();
    }
    await eventually('no timer', () => {
      edge.clock.pass(15_000);
      return edge.clock.timers.size === others;
    });
  });

  it('ends cleanly when the broker stops', async () => {
    const reader = await open();
    await has(reader, 1);
    await edge.app.close();
    expect(await reader.ended).toBe('cleanly');
  });

  it.each([
    [401, 'unauthorized', '/token/events?app=shop', undefined],
    [403, 'forbidden', '/token/events?app=shop', 'reporter'],
    [404, 'unknown_app', '/token/events?app=shop', 'mailer'],
    [400, 'app_required', '/token/events', 'orders'],
  ])('refuses with %i %s as GET /token does', async (status, code, path, client) => {
    const answer = await edge.send('GET', path, client);
    expect(answer.statusCode).toBe(status);
    expect(answer.json()).toMatchObject({ code });
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('has no HEAD, which would never end', async () => {
    expect((await edge.send('HEAD', '/token/events?app=shop', 'orders')).statusCode).toBe(405);
  });

  it('is counted and recorded when it opens, and not again when it ends', async () => {
    const reader = await open();
    await has(reader, 1);
    const counted = ['GET /token/events 200'];
    expect(edge.observer.requests).toEqual(counted);
    expect(edge.audit.entries).toMatchObject([
      { action: 'events.open', client: 'orders', app: 'shop', status: 200, token: { generation: 7 } },
    ]);
    await edge.app.close();
    await reader.ended;
    expect(edge.observer.requests).toEqual(counted);
  });
});
