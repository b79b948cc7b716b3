import { RedisServer } from '../../../test/support/redis-server.js';
import { eventually } from '../../../test/support/eventually.js';
import { sleep } from '../../core/clock.js';
import { describeRefreshLease } from '../../core/refresh-lease.contract.js';
import { describeRotationFeed } from '../../core/rotation-feed.contract.js';
import { SystemClock } from '../../core/system-clock.js';
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

let server: RedisServer;
let connection: RedisConnection;
let tests = 0;

function connect(): RedisConnection {
  const settings = {
    server: { kind: 'url', url: server.url(USER) },
    username: null,
    password: null,
    tls: null,
  } as const;
  return new RedisConnection(settings, clock);
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

  afterEach(() => {
    for (const made of feeds.splice(0)) made.close();
  });

  describeRotationFeed('Redis', async () => {
    const keyPrefix = freshPrefix();
    return { here: feed(keyPrefix), there: feed(keyPrefix), settle: () => elapse(100) };
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
    await elapse(100);
    const before = gaps;
    await server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await elapse(300);
    expect(gaps).toBe(before + 1);
    await here.publish('shop', 7);
    await elapse(50);
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
      await elapse(100);
      await server.call('ACL', 'SETUSER', USER.name, 'resetchannels');
      await server.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await elapse(300);
      expect(unhandled).toEqual([]);
      expect(gaps).toBe(2);
    } finally {
      process.off('unhandledRejection', note);
      await server.call('ACL', 'SETUSER', USER.name, '&tokenbroker:*');
    }
  });

  it('ignores what no broker would say', async () => {
    const keyPrefix = freshPrefix();
    const heard: unknown[] = [];
    feed(keyPrefix).subscribe((app, generation) => heard.push([app, generation]));
    await elapse(100);
    for (const message of ['', '{', '{"app":1}', '[]', 'null']) {
      await server.call('PUBLISH', `${keyPrefix}rotations`, message);
    }
    await server.call('PUBLISH', `${keyPrefix}rotations`, '{"app":"shop","generation":9}');
    await elapse(50);
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
      await expect(read(own)).rejects.toMatchObject({
        message: expect.stringMatching(/^no connection to Redis/) as string,
      });
    } finally {
      server.thaw();
    }
    await eventually('an answer after the thaw', () => read(own).catch(() => undefined));
  });
});
