import { connect, type Socket } from 'node:net';
import { apiClient, createEdge, keyOf, type Edge } from '../../../test/support/create-edge.js';
import { EventReader } from '../../../test/support/event-reader.js';
import { eventually } from '../../../test/support/eventually.js';
import { heldToken } from '../../../test/support/fake-broker.js';
import { BrokerError } from '../../core/errors.js';
import type { HeldToken } from '../../core/token.js';
import { TokenEventStreams } from './token-event-streams.js';

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

describe('an app that is configured no longer', () => {
  it('ends its streams, and nobody hears of what its last fetch still brings', async () => {
    const edge = await createEdge({ clients: [apiClient('orders')] });
    await edge.app.listen(0, '127.0.0.1');
    const { broker, clock } = edge;
    broker.tokens.set('shop', heldToken(1, 7_000_500));
    const url = `${await edge.app.getUrl()}/token/events?app=shop`;
    const reader = await EventReader.open(url, { key: keyOf('orders') });
    await eventually('the token', () => reader.events.length === 1);

    broker.rotate('shop', heldToken(2, 7_000_500));
    broker.subscribe = () => {
      throw new BrokerError('unknown_app', 'There is no app "shop".');
    };
    edge.app.get(TokenEventStreams).recheck(new Set(['shop']));
    broker.rotate('shop', heldToken(3, 7_000_500));
    expect(() => {
      clock.pass(0);
    }).not.toThrow();
    expect(await reader.ended).toBe('cleanly');
    expect(reader.generations).toEqual([1]);
    await edge.app.close();
  });
});
