import { BareConnection } from '../../../test/support/bare-connection.js';
import { createEdge } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';

const SCRAPE = 'GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a connection whose caller does not read its answer', () => {
  it('is cut after 30 s, and nobody else is', async () => {
    const edge = await createEdge();
    edge.metrics.padding = 'x'.repeat(16 * 1024 * 1024);
    await edge.app.listen(0, '127.0.0.1');
    const url = await edge.app.getUrl();
    const idle = await BareConnection.to(url);
    const unread = await BareConnection.to(url, { reads: false });
    const slow = await BareConnection.to(url, { reads: false });
    for (const connection of [unread, slow]) connection.write(SCRAPE);
    await eventually('readers of the scrape', () => edge.metrics.renderings === 1);
    await (await fetch(`${url}/health/live`)).text();

    edge.clock.pass(5000);
    slow.socket.resume();
    await eventually('read', () => slow.received.length > edge.metrics.padding.length);
    for (let passed = 5000; passed <= 35_000; passed += 5000) edge.clock.pass(5000);
    unread.socket.resume();
    await unread.closed;
    expect(unread.received.length).toBeLessThan(edge.metrics.padding.length);
    expect(edge.observer.overloads).toEqual(['unread 127.0.0.1']);
    expect([idle.socket.closed, slow.socket.closed]).toEqual([false, false]);
    for (const connection of [idle, slow]) connection.socket.destroy();
    await edge.app.close();
  });

  it('lives on while the caller reads a part of it now and then', async () => {
    const edge = await createEdge();
    edge.metrics.padding = 'x'.repeat(64 * 1024 * 1024);
    await edge.app.listen(0, '127.0.0.1');
    const slow = await BareConnection.to(await edge.app.getUrl(), { reads: false });
    slow.write(SCRAPE);
    await eventually('rendered', () => edge.metrics.renderings === 1);
    for (let part = 1; part <= 5; part += 1) {
      await slow.readPart(8 * 1024 * 1024);
      for (let passed = 0; passed < 25_000; passed += 5000) edge.clock.pass(5000);
    }
    expect(edge.observer.overloads).toEqual([]);
    expect(slow.socket.closed).toBe(false);
    slow.socket.destroy();
    await edge.app.close();
  });
});
