import { eventually } from '../../../test/support/eventually.js';
import {
  connect,
  freshPrefix,
  granted,
  sharedRedis,
  storeOver,
  USER,
} from '../../../test/support/redis-as-broker.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import type { StoreView } from '../../core/token-store.js';
import { RedisConnection, RedisRefreshLease } from './index.js';

const redis = sharedRedis(RedisConnection);

describe('trouble with Redis', () => {
  const opened: RedisConnection[] = [];

  afterEach(() => {
    for (const own of opened.splice(0)) own.close();
  });

  const read = (through: RedisConnection) => storeOver(through, freshPrefix()).read('shop');

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
      const acquired = await lease.acquire('shop', 1000);
      expect(acquired).toMatchObject({
        kind: 'unavailable',
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

  it('is said plainly: a database that is not there, in place of which no other is used', async () => {
    const own = connect(redis.server.url(USER).replace(/0$/, '99'), RedisConnection);
    opened.push(own);
    await own.ready(2000);
    const keyPrefix = freshPrefix();
    for (let tries = 0; tries < 3; tries += 1) {
      await expect(storeOver(own, keyPrefix).read('shop')).rejects.toMatchObject({
        name: 'StoreUnavailableError',
      });
      await eventually('a new attempt', () => own.client.status === 'ready');
    }
    await expect(storeOver(own, keyPrefix).read('shop')).rejects.toMatchObject({
      message: expect.stringMatching(/^Redis refused the database of redis\.url: .*out of range/) as string,
      remedy: expect.stringContaining('Correct the number') as string,
    });
    expect((await new RedisRefreshLease(own, keyPrefix).acquire('shop', 1000)).kind).toBe('unavailable');
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

describe('garbage in Redis', () => {
  const FIELDS = [
    'generation',
    'base',
    'since',
    'value',
    'issued_at',
    'expires_at',
    'owner',
    'reason',
    'suspect',
    'rolled_back',
    'intent',
    'intent_at',
    'in_doubt',
    'began_at',
    'day',
    'fetches',
    'forced',
    'wait_at',
    'wait_until',
    'wait_class',
    'wait_why',
    'failures',
    'the fence',
  ];
  const GARBAGE = ['', 'null', '{', '-', 'nan', 'inf', '1e300', '0x', '__proto__', '\u0000\ufffd'];
  const BACK_OFF = { class: 'busy', errcode: -1, message: 'busy', delayMs: 0 } as const;

  it.each(FIELDS)('does no harm, and is healed by a fetch: %s', async (field) => {
    const keyPrefix = freshPrefix();
    const store = storeOver(redis.connection, keyPrefix);
    const lease = new RedisRefreshLease(redis.connection, keyPrefix);
    const spoil = (garbage: string): Promise<unknown> =>
      field === 'the fence'
        ? redis.server.call('SET', `${keyPrefix}{shop}:fence`, garbage)
        : redis.server.call('HSET', `${keyPrefix}{shop}:state`, field, garbage);
    const fetchWith = async (garbage: string): Promise<StoreView> => {
      const failing = await granted(store, lease);
      await spoil(garbage);
      await store.abort('shop', { grant: failing, forced: false, outcome: 'not_sent', backOff: BACK_OFF });
      await spoil(garbage);
      const grant = await granted(store, lease);
      await spoil(garbage);
      const commit = { value: 'token', expiresInMs: 60_000, owner: 'me', reason: 'cold' } as const;
      return (await store.commit('shop', { ...commit, grant })).view;
    };
    for (const garbage of GARBAGE) {
      const { record } = await fetchWith(garbage);
      if (!record) throw new Error('Nothing was stored');
      await spoil(garbage);
      const view = await store.read('shop');
      const { fence, suspect, rolledBack, beganAtMs, failures, today } = view;
      const numbers = [fence, suspect, rolledBack, beganAtMs, failures, today.fetches, today.forced];
      expect(numbers.filter((number) => !Number.isSafeInteger(number))).toEqual([]);
      await store.reconcile('shop', { record, committed: record.generation });
    }
    expect((await fetchWith('12')).record?.value).toBe('token');
    expect((await store.read('shop')).record?.value).toBe('token');
  });

  it('leaves a back-off in force whose reason cannot be read', async () => {
    const keyPrefix = freshPrefix();
    const store = storeOver(redis.connection, keyPrefix);
    const grant = await granted(store, new RedisRefreshLease(redis.connection, keyPrefix));
    const backOff = { ...BACK_OFF, delayMs: 60_000 };
    await store.abort('shop', { grant, forced: false, outcome: 'refused', backOff });
    await redis.server.call('HSET', `${keyPrefix}{shop}:state`, 'wait_why', '{"mess', 'wait_class', 'x');
    const view = await store.read('shop');
    expect(view.backOff).toMatchObject({
      class: 'unavailable',
      errcode: null,
      message: 'the reason in Redis cannot be read',
    });
    expect(view.backOff?.untilMs).toBeGreaterThan(view.nowMs);
  });
});
