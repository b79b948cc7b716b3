import { once } from 'node:events';
import { connect as connectTo, createServer, type AddressInfo } from 'node:net';
import { SHOP } from '../../../test/support/app-identity.js';
import { eventually } from '../../../test/support/eventually.js';
import { clock, connect, freshPrefix, sharedRedis, USER } from '../../../test/support/redis-as-broker.js';
import { sleep } from '../../core/ports/clock.js';
import { describeRotationFeed } from '../../core/ports/rotation-feed.contract.js';
import { RedisConnection, RedisRotationFeed } from './index.js';

/** Remembers its subscribers, to see what arrived at them. */
class WatchedConnection extends RedisConnection {
  readonly subscribers: ReturnType<RedisConnection['subscriber']>[] = [];

  override subscriber(retryMs: () => number): ReturnType<RedisConnection['subscriber']> {
    const made = super.subscriber(retryMs);
    this.subscribers.push(made);
    return made;
  }
}

const redis = sharedRedis(WatchedConnection);

describe('the feed', () => {
  const feeds: RedisRotationFeed[] = [];
  const feed = (keyPrefix: string): RedisRotationFeed => {
    const made = new RedisRotationFeed(redis.connection, keyPrefix);
    feeds.push(made);
    return made;
  };

  const listening = (keyPrefix: string, feedsOfIt = 1): Promise<unknown> =>
    eventually('a subscription of every feed', async () => {
      const [, subscribers] = (await redis.server.call(
        'PUBSUB',
        'NUMSUB',
        `${keyPrefix}rotations`,
      )) as unknown[];
      return subscribers === feedsOfIt;
    });

  /** Everything published before this resolves has arrived: Redis keeps the order on every redis.connection. */
  const settle = async (keyPrefix: string): Promise<void> => {
    await listening(keyPrefix, feeds.length);
    const marked = redis.connection.subscribers.map(
      (subscriber) =>
        new Promise<void>((resolve) => {
          const hear = (_channel: string, message: string): void => {
            if (message !== 'mark') return;
            subscriber.off('message', hear);
            resolve();
          };
          subscriber.on('message', hear);
        }),
    );
    await redis.server.call('PUBLISH', `${keyPrefix}rotations`, 'mark');
    await Promise.all(marked);
  };

  afterEach(() => {
    for (const made of feeds.splice(0)) made.close();
    redis.connection.subscribers.splice(0);
  });

  describeRotationFeed('Redis', async () => {
    const keyPrefix = freshPrefix();
    return { here: feed(keyPrefix), there: feed(keyPrefix), settle: () => settle(keyPrefix) };
  });

  it('says after every reconnect that messages may have been lost', async () => {
    const keyPrefix = freshPrefix();
    const here = feed(keyPrefix);
    let gaps = 0;
    const heard: number[] = [];
    here.subscribe(
      ({ generation }) => heard.push(generation),
      () => (gaps += 1),
    );
    await eventually('a first subscription', () => gaps === 1);
    await redis.server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually('a second one, and its gap', () => gaps === 2);
    await here.publish(SHOP, 7);
    await settle(keyPrefix);
    expect(heard).toEqual([7]);
  });

  it('survives that the user may not subscribe any more', async () => {
    const here = feed(freshPrefix());
    let gaps = 0;
    here.subscribe(
      () => undefined,
      () => (gaps += 1),
    );
    const unhandled: unknown[] = [];
    const note = (error: unknown): unknown => unhandled.push(error);
    process.on('unhandledRejection', note);
    try {
      await eventually('a first subscription', () => gaps === 1);
      await redis.server.call('ACL', 'SETUSER', USER.name, 'resetchannels');
      await redis.server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually('a gap', () => gaps === 2);
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
      await redis.server.call('ACL', 'SETUSER', USER.name, '&tokenbroker:*');
    }
  });

  it('tries ever more seldom where something closes the connection at a subscription, and says so once', async () => {
    let connections = 0;
    const front = createServer((socket) => {
      connections += 1;
      const onward = connectTo(redis.server.port, redis.server.host);
      const end = (): void => {
        socket.destroy();
        onward.destroy();
      };
      socket.on('data', (bytes) => {
        if (bytes.includes('subscribe')) end();
        else onward.write(bytes);
      });
      onward.on('data', (bytes) => socket.write(bytes));
      for (const side of [socket, onward]) side.on('error', end).on('close', end);
    });
    front.listen(0, '127.0.0.1');
    await once(front, 'listening');
    const { port } = front.address() as AddressInfo;
    const through = connect(redis.server.url(USER, port), RedisConnection);
    const told: (string | null)[] = [];
    let gaps = 0;
    const here = new RedisRotationFeed(through, freshPrefix(), (reason) => told.push(reason));
    feeds.push(here);
    here.subscribe(
      () => undefined,
      () => (gaps += 1),
    );
    try {
      await through.ready(2000);
      await sleep(clock, 4000);
      // Its own, and after 0.2, 0.4, 0.8 and 1.6 s; it was nine in a second.
      expect(connections).toBeLessThanOrEqual(8);
      expect(connections).toBeGreaterThanOrEqual(4);
      expect(told).toEqual([expect.any(String)]);
      expect(gaps).toBeLessThanOrEqual(1);
    } finally {
      through.close();
      front.close();
    }
  });

  it('says why it cannot connect', async () => {
    const nobody = connect('redis://127.0.0.1:1/0', RedisConnection);
    const told: (string | null)[] = [];
    feeds.push(new RedisRotationFeed(nobody, freshPrefix(), (reason) => told.push(reason)));
    await eventually('a reason', () => told.length > 0);
    expect(told).toEqual([expect.stringContaining('ECONNREFUSED')]);
    nobody.close();
  });

  it('ignores what no broker would say', async () => {
    const keyPrefix = freshPrefix();
    const heard: unknown[] = [];
    feed(keyPrefix).subscribe(({ key, generation }) => heard.push([key, generation]));
    await listening(keyPrefix);
    for (const message of ['', '{', '{"key":1}', '{"app":"shop","generation":9}', '[]', 'null']) {
      await redis.server.call('PUBLISH', `${keyPrefix}rotations`, message);
    }
    await redis.server.call('PUBLISH', `${keyPrefix}rotations`, '{"key":"{shop}","generation":9}');
    await settle(keyPrefix);
    expect(heard).toEqual([['{shop}', 9]]);
  });
});
