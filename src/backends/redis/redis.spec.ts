import { RedisServer } from '../../../test/support/redis-server.js';
import { eventually } from '../../../test/support/eventually.js';
import { sleep } from '../../core/clock.js';
import { describeRefreshLease } from '../../core/refresh-lease.contract.js';
import { describeRotationFeed } from '../../core/rotation-feed.contract.js';
import { SystemClock } from '../../core/system-clock.js';
import type { Grant, StoreView } from '../../core/token-store.js';
import { describeTokenStore } from '../../core/token-store.contract.js';
import {
  MINIMAL_ACL,
  RedisConnection,
  RedisRefreshLease,
  RedisRotationFeed,
  RedisTokenStore,
  TokenCipher,
} from './index.js';

const clock = new SystemClock();
const USER = { name: 'broker', password: 'broker-password' };
const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 1) }]);

/** Remembers its subscribers, to see what arrived at them. */
class WatchedConnection extends RedisConnection {
  readonly subscribers: ReturnType<RedisConnection['subscriber']>[] = [];

  override subscriber(): ReturnType<RedisConnection['subscriber']> {
    const made = super.subscriber();
    this.subscribers.push(made);
    return made;
  }
}

let server: RedisServer;
let connection: WatchedConnection;
let tests = 0;

function connect(url = server.url(USER)): WatchedConnection {
  const settings = {
    server: { kind: 'url', url },
    username: null,
    password: null,
    tls: null,
  } as const;
  return new WatchedConnection(settings, clock);
}

/** A prefix of its own for every test, which the ACL user may use. */
function freshPrefix(): string {
  tests += 1;
  return `tokenbroker:test-${String(tests)}:`;
}

beforeAll(async () => {
  server = await RedisServer.start({ users: [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`] });
  connection = connect();
  await connection.ready(5000);
});

afterAll(() => {
  connection.close();
});

const elapse = (ms: number): Promise<void> => sleep(clock, ms);

describeTokenStore('Redis', async () => {
  const keyPrefix = freshPrefix();
  return {
    store: new RedisTokenStore(connection, { keyPrefix, cipher, onUnreadable: () => undefined }),
    lease: new RedisRefreshLease(connection, keyPrefix),
    elapse,
  };
});

describeRefreshLease('Redis', async () => ({
  lease: new RedisRefreshLease(connection, freshPrefix()),
  elapse,
}));

describe('the feed', () => {
  const feeds: RedisRotationFeed[] = [];
  const feed = (keyPrefix: string): RedisRotationFeed => {
    const made = new RedisRotationFeed(connection, keyPrefix);
    feeds.push(made);
    return made;
  };

  const listening = (keyPrefix: string, feedsOfIt = 1): Promise<unknown> =>
    eventually('a subscription of every feed', async () => {
      const [, subscribers] = (await server.call('PUBSUB', 'NUMSUB', `${keyPrefix}rotations`)) as unknown[];
      return subscribers === feedsOfIt;
    });

  /** Everything published before this resolves has arrived: Redis keeps the order on every connection. */
  const settle = async (keyPrefix: string): Promise<void> => {
    await listening(keyPrefix, feeds.length);
    const marked = connection.subscribers.map(
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
    await server.call('PUBLISH', `${keyPrefix}rotations`, 'mark');
    await Promise.all(marked);
  };

  afterEach(() => {
    for (const made of feeds.splice(0)) made.close();
    connection.subscribers.splice(0);
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
      (_app, generation) => heard.push(generation),
      () => (gaps += 1),
    );
    await eventually('a first subscription', () => gaps === 1);
    await server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await eventually('a second one, and its gap', () => gaps === 2);
    await here.publish('shop', 7);
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
      await server.call('ACL', 'SETUSER', USER.name, 'resetchannels');
      await server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await eventually('a gap', () => gaps === 2);
      expect(unhandled).toEqual([]);
    } finally {
      process.off('unhandledRejection', note);
      await server.call('ACL', 'SETUSER', USER.name, '&tokenbroker:*');
    }
  });

  it('ignores what no broker would say', async () => {
    const keyPrefix = freshPrefix();
    const heard: unknown[] = [];
    feed(keyPrefix).subscribe((app, generation) => heard.push([app, generation]));
    await listening(keyPrefix);
    for (const message of ['', '{', '{"app":1}', '[]', 'null']) {
      await server.call('PUBLISH', `${keyPrefix}rotations`, message);
    }
    await server.call('PUBLISH', `${keyPrefix}rotations`, '{"app":"shop","generation":9}');
    await settle(keyPrefix);
    expect(heard).toEqual([['shop', 9]]);
  });
});

describe('tokens in Redis', () => {
  const begin = async (store: RedisTokenStore, lease: RedisRefreshLease, seenGeneration = 0) => {
    const acquired = await lease.acquire('shop', 1000);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    const begun = await store.begin('shop', {
      lease: acquired.lease,
      forced: false,
      seenGeneration,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: { daily: 9, forcedDaily: 9 },
      leaseMs: 1000,
    });
    await lease.release(acquired.lease);
    return begun;
  };

  it('are sealed, and replaced by a new fetch when no key opens them', async () => {
    const keyPrefix = freshPrefix();
    const unreadable: string[] = [];
    const storeWith = (id: string, fill: number): RedisTokenStore =>
      new RedisTokenStore(connection, {
        keyPrefix,
        cipher: new TokenCipher([{ id, key: Buffer.alloc(32, fill) }]),
        onUnreadable: (app) => unreadable.push(app),
      });
    const lease = new RedisRefreshLease(connection, keyPrefix);
    const before = storeWith('k1', 1);
    const first = await begin(before, lease);
    if (first.kind !== 'granted') throw new Error(first.kind);
    const commit = { value: 'canary-token', expiresInMs: 60_000, owner: 'me', reason: 'cold' } as const;
    await before.commit('shop', { ...commit, grant: first.grant });
    expect(await server.dump()).not.toContain('canary-token');

    const after = storeWith('k2', 2);
    expect((await after.read('shop')).record).toBeNull();
    const second = await begin(after, lease);
    if (second.kind !== 'granted') throw new Error(second.kind);
    expect(second.grant.fence).toBeGreaterThan(first.grant.fence);
    await after.commit('shop', { ...commit, value: 'next-token', grant: second.grant });
    expect((await after.read('shop')).record?.value).toBe('next-token');
    expect(unreadable).toEqual(['shop']);
  });
});

describe('trouble with Redis', () => {
  const opened: RedisConnection[] = [];

  afterEach(() => {
    for (const own of opened.splice(0)) own.close();
  });

  const read = (through: RedisConnection) =>
    new RedisTokenStore(through, { keyPrefix: freshPrefix(), cipher, onUnreadable: () => undefined }).read(
      'shop',
    );

  it.each([
    ['out of memory', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0'], /OOM/],
    [
      'a replica that cannot be written',
      ['REPLICAOF', '127.0.0.1', '1'],
      ['REPLICAOF', 'NO', 'ONE'],
      /READONLY|MASTERDOWN/,
    ],
  ])('is said plainly: %s', async (_what, breakIt, mendIt, message) => {
    const own = connect();
    opened.push(own);
    await own.ready(2000);
    const lease = new RedisRefreshLease(own, freshPrefix());
    await server.call(breakIt[0] ?? '', ...breakIt.slice(1));
    try {
      const acquired = await lease.acquire('shop', 1000);
      expect(acquired).toMatchObject({
        kind: 'unavailable',
        cause: { message: expect.stringMatching(message) as string },
      });
    } finally {
      await server.call(mendIt[0] ?? '', ...mendIt.slice(1));
    }
  });

  it('is said plainly: frozen, and over as soon as it goes on', async () => {
    const own = connect();
    opened.push(own);
    await own.ready(2000);
    server.freeze();
    try {
      await expect(read(own)).rejects.toMatchObject({
        name: 'StoreUnavailableError',
        message: 'Redis gave no answer within 800 ms',
      });
      await expect(read(own)).rejects.toMatchObject({ message: 'Redis gave no answer within 800 ms' });
    } finally {
      server.thaw();
    }
    await eventually('an answer after the thaw', () => read(own).catch(() => undefined));
  });

  it('is said plainly: loading its data', async () => {
    const slow = await RedisServer.start({ directives: [['enable-debug-command', 'yes']] });
    const own = connect(slow.url());
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
    const store = new RedisTokenStore(connection, { keyPrefix, cipher, onUnreadable: () => undefined });
    const lease = new RedisRefreshLease(connection, keyPrefix);
    const spoil = (garbage: string): Promise<unknown> =>
      field === 'the fence'
        ? server.call('SET', `${keyPrefix}{shop}:fence`, garbage)
        : server.call('HSET', `${keyPrefix}{shop}:state`, field, garbage);
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
    const store = new RedisTokenStore(connection, { keyPrefix, cipher, onUnreadable: () => undefined });
    const grant = await granted(store, new RedisRefreshLease(connection, keyPrefix));
    const backOff = { ...BACK_OFF, delayMs: 60_000 };
    await store.abort('shop', { grant, forced: false, outcome: 'refused', backOff });
    await server.call('HSET', `${keyPrefix}{shop}:state`, 'wait_why', '{"mess', 'wait_class', 'x');
    const view = await store.read('shop');
    expect(view.backOff).toMatchObject({
      class: 'unavailable',
      errcode: null,
      message: 'the reason in Redis cannot be read',
    });
    expect(view.backOff?.untilMs).toBeGreaterThan(view.nowMs);
  });
});

async function granted(store: RedisTokenStore, lease: RedisRefreshLease): Promise<Grant> {
  const acquired = await lease.acquire('shop', 10_000);
  if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
  const begun = await store.begin('shop', {
    lease: acquired.lease,
    forced: false,
    seenGeneration: Number.MAX_SAFE_INTEGER,
    highestKnown: 0,
    ignoreBackOff: 'all',
    budget: { daily: 999, forcedDaily: 9 },
    leaseMs: 1000,
  });
  await lease.release(acquired.lease);
  if (begun.kind !== 'granted') throw new Error(begun.kind);
  return begun.grant;
}
