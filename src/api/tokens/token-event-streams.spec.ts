import { connect, type Socket } from 'node:net';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import type { HeldToken } from '../../core/token.js';

const MB = 1024 * 1024;

/** Larger than any token, so that few of them fill the buffers of the machine between the two. */
function largeToken(generation: number): HeldToken {
  const held = heldToken(generation, 7_000_500);
  return { ...held, record: { ...held.record, value: 'x'.repeat(MB) } };
}

describe('a reader that does not read', () => {
  let edge: Edge;
  let reader: Socket;

  beforeEach(async () => {
    edge = await createEdge({ clients: [apiClient('orders')] });
    await edge.app.listen(0, '127.0.0.1');
    edge.broker.tokens.set('shop', heldToken(1, 7_000_500));
    const { port } = new URL(await edge.app.getUrl());
    reader = connect(Number(port), '127.0.0.1');
    reader.pause();
    reader.write(
      `GET /token/events?app=shop HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${keyOf('orders')}\r\n\r\n`,
    );
    await eventually('open', () => edge.observer.requests.length > 0);
  });
  afterEach(async () => {
    reader.destroy();
    await edge.app.close();
  });

  const connections = (): Promise<number> =>
    new Promise((resolve) => {
      edge.app.getHttpServer().getConnections((_, count) => {
        resolve(count);
      });
    });

  it('is dropped before much is kept for it', async () => {
    let generation = 1;
    await eventually('dropped', async () => {
      generation += 1;
      edge.broker.rotate('shop', largeToken(generation));
      edge.clock.pass(0);
      return (await connections()) === 0;
    });
    expect(generation).toBeLessThan(30);
  });
});
