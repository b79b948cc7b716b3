import { SHOP } from '../../../test/support/app-identity.js';
import { eventually } from '../../../test/support/eventually.js';
import {
  clock,
  connect,
  freshPrefix,
  sharedRedis,
  storeOver,
  USER,
} from '../../../test/support/redis-as-broker.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { sleep } from '../../core/ports/clock.js';
import { RedisConnection, RedisRefreshLease } from './index.js';

const redis = sharedRedis(RedisConnection);

describe('trouble with Redis', () => {
  const opened: RedisConnection[] = [];

  afterEach(() => {
    for (const own of opened.splice(0)) own.close();
  });

  const read = (through: RedisConnection) => storeOver(through, freshPrefix()).read(SHOP);

  it.each([
    ['out of memory', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], /OOM/],
    [
      'a replica that cannot be written',
      ['REPLICAOF', '127.0.0.1', '1'],
      ['REPLICAOF', 'NO', 'ONE'],
      /READONLY|MASTERDOWN/,
    ],
  ])('is said plainly: %s', async (_what, breakIt, mendIt, message) => {
    const own = connect(redis.server.url(USER), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    const lease = new RedisRefreshLease(own, freshPrefix());
    await redis.server.call(breakIt[0] ?? '', ...breakIt.slice(1));
    try {
      const acquired = await lease.acquire(SHOP, 1000);
      expect(acquired).toMatchObject({
        kind: 'unavailable',
        cause: { message: expect.stringMatching(message) as string },
      });
      // The connection may be made anew for it: what fails meanwhile fails for the same reason.
      await expect(lease.acquire(SHOP, 1000)).resolves.toMatchObject({
        cause: { message: expect.stringMatching(message) as string },
      });
    } finally {
      await redis.server.call(mendIt[0] ?? '', ...mendIt.slice(1));
    }
  });

  it('is said plainly: frozen, and over as soon as it goes on', async () => {
    const own = connect(redis.server.url(USER), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    redis.server.freeze();
    try {
      await expect(read(own)).rejects.toMatchObject({
        name: 'StoreUnavailableError',
        message: 'Redis gave no answer within 800 ms',
      });
      await expect(read(own)).rejects.toMatchObject({ message: 'Redis gave no answer within 800 ms' });
    } finally {
      redis.server.thaw();
    }
    await eventually('an answer after the thaw', () => read(own).catch(() => undefined));
  });

  it('is none when the process stood still before it had sent the command', async () => {
    const own = connect(redis.server.url(USER), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    const answered = own.inTime(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return own.client.ping();
    });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 900);
    expect(await answered).toBe('PONG');
  });

  it('is none when the process stood still for most of the time, as while it starts, and Redis then took a moment', async () => {
    const own = connect(redis.server.url(USER), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    const answered = own.inTime(async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await sleep(clock, 300);
      return own.client.ping();
    });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 750);
    expect(await answered).toBe('PONG');
  });

  it('is told by its own clock, whatever the client library says of a command without an answer', async () => {
    const own = connect(redis.server.url(USER), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    const closed = new Promise((resolve) => own.client.once('close', resolve));
    await expect(own.run(() => new Promise(() => undefined))).rejects.toMatchObject({
      name: 'StoreUnavailableError',
      message: 'Redis gave no answer within 800 ms',
    });
    await closed;
    await eventually('a new connection', () => own.isReady);
  });

  it('is said plainly: a database that is not there, in place of which no other is used', async () => {
    const own = connect(redis.server.url(USER).replace(/0$/, '99'), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    const keyPrefix = freshPrefix();
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(storeOver(own, keyPrefix).read(SHOP)).rejects.toMatchObject({
        name: 'StoreUnavailableError',
      });
      await eventually('a new attempt', () => own.client.status === 'ready');
    }
    await expect(storeOver(own, keyPrefix).read(SHOP)).rejects.toMatchObject({
      message: expect.stringMatching(/^Redis refused the database of redis\.url: .*out of range/) as string,
      remedy: expect.stringContaining('Correct the number') as string,
    });
    expect((await new RedisRefreshLease(own, keyPrefix).acquire(SHOP, 1000)).kind).toBe('unavailable');
    expect(await redis.server.call('KEYS', `${keyPrefix}*`)).toEqual([]);
  });

  it('is said plainly: loading its data', async () => {
    const slow = await RedisServer.start({ directives: [['enable-debug-command', 'yes']] });
    const own = connect(slow.url(), RedisConnection);
    opened.push(own);
    await slow.call('DEBUG', 'POPULATE', '3000', 'key', '4000');
    const data = await slow.snapshot();
    await slow.kill();
    const loading = slow.restart({ data, loadDelayMicroseconds: 500 });
    await eventually('that it says so', async () =>
      read(own).then(
        () => {
          throw new Error('It was never loading');
        },
        (error: unknown) =>
          String(error).includes('connected, but Redis is not ready (it may be loading its data)'),
      ),
    );
    await loading;
    await eventually('an answer', () => read(own).catch(() => undefined));
    await slow.stop();
  });
});
