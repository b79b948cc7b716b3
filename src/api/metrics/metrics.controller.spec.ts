import { BareConnection } from '../../../test/support/bare-connection.js';
import { createEdge, type Edge } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';

describe('GET /metrics', () => {
  let edge: Edge;

  beforeEach(async () => {
    edge = await createEdge();
  });
  afterEach(() => edge.app.close());

  it('is open, and bears the content type that its source names', async () => {
    const response = await edge.send('GET', '/metrics');
    expect([response.statusCode, response.body]).toEqual([200, 'fake_requests_total 1\n']);
    expect(response.headers).toMatchObject({
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    });
  });

  it('is rendered once a second, for all who ask', async () => {
    await Promise.all(Array.from({ length: 50 }, () => edge.send('GET', '/metrics')));
    edge.clock.pass(999);
    await edge.send('GET', '/metrics');
    expect(edge.metrics.renderings).toBe(1);
    edge.clock.pass(1);
    await edge.send('GET', '/metrics');
    expect(edge.metrics.renderings).toBe(2);
  });

  it('is kept for those who read it slowly only as long as there are few renderings of it', async () => {
    edge.metrics.padding = 'x'.repeat(16 * 1024 * 1024);
    await edge.app.listen(0, '127.0.0.1');
    const url = await edge.app.getUrl();
    const unread: BareConnection[] = [];
    for (let second = 1; second <= 5; second += 1) {
      const connection = await BareConnection.to(url, { reads: false });
      connection.write('GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n');
      await eventually('rendered', () => edge.metrics.renderings === second);
      unread.push(connection);
      edge.clock.pass(1000);
    }
    for (const { socket } of unread) socket.resume();
    const [oldest, ...others] = unread;
    await oldest?.closed;
    const { length } = edge.metrics.padding;
    await eventually('read', () => others.every(({ received }) => received.length > length));
    expect(oldest?.received.length).toBeLessThan(length);
    for (const { socket } of others) socket.destroy();
  });
});
