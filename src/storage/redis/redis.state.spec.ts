import fc from 'fast-check';
import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import { clock, freshPrefix, granted, sharedRedis } from '../../../test/support/redis-as-broker.js';
import type { AppIdentity } from '../../core/app-definition.js';
import { suspectReasonOf } from '../../core/refresh/policy.js';
import type { StoreView } from '../../core/ports/token-store.js';
import { appKeys, changesKey } from './keys.js';
import { RedisConnection, RedisRefreshLease, RedisTokenStore, TokenCipher } from './index.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const COMMIT = { value: 'canary-token', expiresInMs: 60_000, owner: 'me', reason: 'cold' } as const;
const KEY = { id: 'k1', key: Buffer.alloc(32, 1) };

/** Does something between the commands of a step. */
class InterruptedConnection extends RedisConnection {
  afterNext: (() => Promise<unknown>) | null = null;

  override async run<T>(work: () => Promise<T>): Promise<T> {
    const result = await super.run(work);
    const { afterNext } = this;
    this.afterNext = null;
    await afterNext?.();
    return result;
  }
}

const redis = sharedRedis(InterruptedConnection);

function world() {
  const keyPrefix = freshPrefix();
  const unreadable: string[] = [];
  const otherOwners: string[] = [];
  const options = {
    keyPrefix,
    cipher: new TokenCipher([KEY]),
    onUnreadable: ({ name }: AppIdentity) => unreadable.push(name),
    onOtherOwner: ({ name, appId }: AppIdentity, owner: string) =>
      otherOwners.push(`${name} ${appId} ${owner}`),
  };
  const store = new RedisTokenStore(redis.connection, options);
  const lease = new RedisRefreshLease(redis.connection, keyPrefix);
  const fetch = async (value: string = COMMIT.value, app = SHOP): Promise<StoreView> => {
    const permit = await granted(store, lease, app);
    return (await store.commit(app, { ...COMMIT, value, permit })).view;
  };
  const keys = appKeys(keyPrefix, SHOP);
  const anotherStore = (): RedisTokenStore => new RedisTokenStore(redis.connection, options);
  return { keyPrefix, keys, store, lease, fetch, unreadable, otherOwners, anotherStore };
}

/** How many scripts Redis ran, for whoever asked. */
async function scriptsRun(): Promise<number> {
  const stats = String(await redis.server.call('INFO', 'commandstats'));
  return [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
    (sum, [, calls]) => sum + Number(calls),
    0,
  );
}

describe('the state of an app in Redis', () => {
  it('is one sealed value, and a name of whose it is', async () => {
    const { keyPrefix, keys, fetch } = world();
    const { record } = await fetch();
    const stored = (await redis.server.call('KEYS', `${keyPrefix}*`)) as string[];
    expect(stored.sort()).toEqual([changesKey(keyPrefix), keys.owner, keys.state].sort());
    expect(await redis.server.call('GET', keys.state)).toMatch(/^k1\.[\w-]+$/);
    expect(await redis.server.call('GET', keys.owner)).toBe('{shop}:fake:wx0123456789abcdef:stable');
    const dump = await redis.server.dump();
    expect(dump).not.toContain('canary-token');
    expect(dump).not.toContain(String(record?.generation));
  });

  it('lives for what is left of the token and two days', async () => {
    const { keys, store, lease, fetch } = world();
    await granted(store, lease);
    const withoutToken = Number(await redis.server.call('PTTL', keys.state));
    expect(withoutToken).toBeGreaterThan(2 * DAY_MS - 5000);
    expect(withoutToken).toBeLessThanOrEqual(2 * DAY_MS);
    await fetch();
    for (const key of [keys.state, keys.owner]) {
      const leftMs = Number(await redis.server.call('PTTL', key));
      expect(leftMs).toBeGreaterThan(2 * DAY_MS + COMMIT.expiresInMs - 5000);
      expect(leftMs).toBeLessThanOrEqual(2 * DAY_MS + COMMIT.expiresInMs);
    }
  });

  it('is merged with one command where nothing has to be stored', async () => {
    const { store, fetch } = world();
    const { record } = await fetch();
    await store.read(SHOP);
    const before = await scriptsRun();
    for (let round = 0; round < 10; round += 1) {
      await store.reconcile(SHOP, { record, committed: record?.generation ?? 0 });
    }
    expect((await scriptsRun()) - before).toBe(10);
  });

  it('is read with one command also by a replica that has just started, where version 0.1 left nothing', async () => {
    const { fetch, anotherStore } = world();
    await fetch();
    const before = await scriptsRun();
    await anotherStore().read(SHOP);
    expect((await scriptsRun()) - before).toBe(1);
  });

  it('is another one for another AppID of the same name, which is said once', async () => {
    const { store, otherOwners, fetch } = world();
    await fetch();
    expect((await store.read(appNamed('shop', { grant: 'classic' }))).record).toBeNull();
    const moved = appNamed('shop', { appId: 'wxfedcba9876543210' });
    for (let round = 0; round < 3; round += 1) {
      expect(await store.read(moved)).toMatchObject({ record: null, fence: 0, backOff: null });
    }
    expect(otherOwners).toEqual(['shop wxfedcba9876543210 {shop}:fake:wx0123456789abcdef:stable']);
    const { record } = await fetch('other-token', moved);
    expect(record?.value).toBe('other-token');
    expect((await store.read(SHOP)).record?.value).toBe('canary-token');
  });

  it('is its own for any two AppIDs under one name', async () => {
    const appIds = fc.uniqueArray(fc.stringMatching(/^[\w-]{1,64}$/), { minLength: 2, maxLength: 2 });
    await fc.assert(
      fc.asyncProperty(appIds, async (ids) => {
        const { store, fetch } = world();
        const apps = ids.map((appId) => appNamed('shop', { appId }));
        for (const app of apps) {
          expect(await store.read(app)).toMatchObject({ record: null, fence: 0, count: { fetches: 0 } });
          await fetch(`token-of-${String(apps.indexOf(app))}`, app);
        }
        for (const app of apps) {
          expect((await store.read(app)).record?.value).toBe(`token-of-${String(apps.indexOf(app))}`);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('names another owner in bounded and readable words only', async () => {
    const { store, keys, otherOwners } = world();
    await redis.server.call('SET', keys.owner, `x\n\u001b[31m${'y'.repeat(60_000)}`);
    await store.read(SHOP);
    expect(otherOwners).toEqual([`shop ${SHOP.appId} x[31m${'y'.repeat(195)}`]);
  });
});

describe('the encryption keys', () => {
  const K1 = { id: 'k1', key: Buffer.alloc(32, 1) };
  const K2 = { id: 'k2', key: Buffer.alloc(32, 2) };
  const storeWith = (keyPrefix: string, ...keys: (typeof K1)[]): RedisTokenStore =>
    new RedisTokenStore(redis.connection, {
      keyPrefix,
      cipher: new TokenCipher(keys),
      onUnreadable: () => undefined,
      onOtherOwner: () => undefined,
    });

  it('are rotated without a fetch: the next look seals with the first one, and the old one can go', async () => {
    const { keyPrefix, keys, fetch } = world();
    const { record } = await fetch();
    expect((await storeWith(keyPrefix, K1, K2).read(SHOP)).record).toEqual(record);
    expect(await redis.server.call('GET', keys.state)).toMatch(/^k1\./);
    expect((await storeWith(keyPrefix, K2, K1).read(SHOP)).record).toEqual(record);
    expect(await redis.server.call('GET', keys.state)).toMatch(/^k2\./);
    expect((await storeWith(keyPrefix, K2).read(SHOP)).record).toEqual(record);
  });

  it('are not fought over by replicas with another one in front each', async () => {
    const { keyPrefix, fetch } = world();
    await fetch();
    const stores = [storeWith(keyPrefix, K1, K2), storeWith(keyPrefix, K2, K1)];
    const before = await scriptsRun();
    for (let round = 0; round < 10; round += 1) {
      for (const store of stores) await store.read(SHOP);
    }
    expect((await scriptsRun()) - before).toBeLessThanOrEqual(20 + 2);
  });
});

describe('steps that meet in Redis', () => {
  it('are taken anew on what the other one left', async () => {
    const { store, lease, fetch } = world();
    const slow = await granted(store, lease);
    redis.connection.afterNext = () => fetch('fast');
    const { kind, view } = await store.commit(SHOP, { ...COMMIT, value: 'slow', permit: slow });
    expect(kind).toBe('superseded');
    expect(view.record?.value).toBe('fast');
    expect(suspectReasonOf(view)).toBe('suspect');
  });

  it('all count', async () => {
    const { store, lease, anotherStore } = world();
    const permit = await granted(store, lease);
    const failed = { permit, charge: null, outcome: 'refused' } as const;
    const backOff = { class: 'busy', errcode: -1, message: 'busy', credential: null, delayMs: 1 } as const;
    const stores = Array.from({ length: 4 }, anotherStore);
    await Promise.all(stores.map((one) => one.abort(SHOP, { ...failed, backOff })));
    expect((await store.read(SHOP)).failures).toBe(4);
  });

  it('give up, and say so, when somebody changes the state all the time', async () => {
    const { store, lease, keys } = world();
    const permit = await granted(store, lease);
    const disturb = async (): Promise<void> => {
      await redis.server.call('SET', keys.state, `garbage-${String(clock.random())}`);
      redis.connection.afterNext = disturb;
    };
    redis.connection.afterNext = disturb;
    await expect(store.commit(SHOP, { ...COMMIT, permit })).rejects.toMatchObject({
      name: 'StoreUnavailableError',
      message: 'another one changed the state of shop 8 times in a row',
    });
    redis.connection.afterNext = null;
  });

  it('take no fence when the lease is lost on the way', async () => {
    const { store, lease, keys } = world();
    const acquired = await lease.acquire(SHOP, 10_000);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    redis.connection.afterNext = () => redis.server.call('SET', keys.lease, 'another');
    const begun = await store.begin(SHOP, {
      lease: acquired.lease,
      charge: null,
      credential: null,
      seenGeneration: 0,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: { daily: 9, forcedDaily: 9, dayOffsetMs: 0 },
      leaseMs: 1000,
    });
    expect(begun.kind).toBe('lease_lost');
    expect(await store.read(SHOP)).toMatchObject({ fence: 0, intent: null, count: { fetches: 0 } });
  });
});

describe('somebody else who writes to Redis', () => {
  const expectHarmless = (view: StoreView): void => {
    const { record, fence, suspect, rolledBack, beganAtMs, backOff, nowMs } = view;
    for (const number of [
      fence,
      suspect,
      rolledBack,
      beganAtMs,
      record?.generation ?? 0,
      backOff?.untilMs ?? 0,
    ]) {
      expect(number).toBeLessThanOrEqual(nowMs + DAY_MS);
    }
    if (record) expect(record.value).toBe('canary-token');
  };

  it.each([
    ['a hash', ['DEL'], ['HSET', 'generation', '9007199254740991']],
    ['a list', ['DEL'], ['RPUSH', 'x']],
    ['an empty text', [], ['SET', '']],
    ['64 KB and more', [], ['SET', 'k1.'.padEnd(70_000, 'A')]],
    ['an unknown key', [], ['SET', `k9.${'A'.repeat(200)}`]],
    ['what is not sealed', [], ['SET', '{"record":{"generation":9007199254740991}}']],
    ['no key id', [], ['SET', 'AAAA']],
  ])(
    'does no harm with %s under the key, and a fetch heals it',
    async (_what, first, [command = '', ...args]) => {
      const { store, keys, fetch } = world();
      await fetch();
      if (first.length > 0) await redis.server.call('DEL', keys.state);
      await redis.server.call(command, keys.state, ...args);
      expect(await store.read(SHOP)).toMatchObject({ record: null, fence: 0, suspect: 0, backOff: null });
      expect((await fetch()).record?.value).toBe('canary-token');
      expect((await store.read(SHOP)).record?.value).toBe('canary-token');
    },
  );

  it('cannot move a sealed state to another app, AppID, grant or prefix', async () => {
    const one = world();
    const other = world();
    await one.fetch();
    const sealed = String(await redis.server.call('GET', one.keys.state));
    for (const app of [
      appNamed('blog'),
      appNamed('shop', { appId: 'wxfedcba9876543210' }),
      appNamed('shop', { grant: 'classic' }),
      appNamed('shop', { provider: 'other' }),
    ]) {
      await redis.server.call('SET', appKeys(one.keyPrefix, app).state, sealed);
      expect((await one.store.read(app)).record).toBeNull();
    }
    await redis.server.call('SET', other.keys.state, sealed);
    expect((await other.store.read(SHOP)).record).toBeNull();
  });

  it('is told once for each text, and found out when an old state is put back', async () => {
    const { store, keys, fetch, unreadable } = world();
    await fetch('old');
    const old = String(await redis.server.call('GET', keys.state));
    const { record } = await fetch();
    await redis.server.call('SET', keys.state, old);
    const view = await store.reconcile(SHOP, { record, committed: record?.generation ?? 0 });
    expect(view.record).toEqual(record);
    expect(suspectReasonOf(view)).toBe('rollback');
    await redis.server.call('SET', keys.state, 'garbage');
    await store.read(SHOP);
    await store.read(SHOP);
    expect(unreadable).toEqual(['shop']);
  });

  it('is written over at once by who holds the token, unless a broker with other keys is there', async () => {
    const { store, keys, fetch } = world();
    const { record } = await fetch();
    const known = { record, committed: record?.generation ?? 0 };
    await redis.server.call('SET', keys.state, 'garbage');
    expect((await store.reconcile(SHOP, known)).record).toEqual(record);
    expect((await store.read(SHOP)).record).toEqual(record);
    const foreign = new TokenCipher([{ id: 'k9', key: Buffer.alloc(32, 9) }]).seal(['x'], 'y');
    await redis.server.call('SET', keys.state, foreign);
    await store.reconcile(SHOP, known);
    expect(await redis.server.call('GET', keys.state)).toBe(foreign);
  });

  it('does no harm with any bytes under any key', async () => {
    const { store, keys, fetch, lease } = world();
    await fetch();
    const sealed = String(await redis.server.call('GET', keys.state));
    const bytes = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc
        .tuple(fc.nat(sealed.length - 1), fc.string({ maxLength: 3 }))
        .map(([at, text]) => sealed.slice(0, at) + text + sealed.slice(at + 1)),
      fc.constantFrom('', 'null', '{', 'nan', '-1', '9007199254740991', 'k1.', '.', '\u0000'),
    );
    const key = fc.constantFrom(keys.state, keys.owner, keys.lease);
    await fc.assert(
      fc.asyncProperty(key, bytes, async (name, value) => {
        await redis.server.call('SET', name, value);
        expectHarmless(await store.read(SHOP));
        await lease.acquire(SHOP, 1000);
        await redis.server.call('DEL', keys.lease);
        expectHarmless(await fetch());
      }),
      { numRuns: 150 },
    );
  });

  it('does no harm with any state that a broker sealed', async () => {
    const { keyPrefix, keys, store } = world();
    const cipher = new TokenCipher([KEY]);
    const binding = ['state', keyPrefix, SHOP.name, SHOP.provider, SHOP.appId, SHOP.grant];
    const number = fc.oneof(fc.maxSafeInteger(), fc.double(), fc.constant(2 ** 53 - 3), fc.constant(null));
    const sealed = fc.record(
      {
        record: fc.record({
          generation: number,
          base: number,
          since: number,
          value: fc.constant('canary-token'),
          issuedAtMs: number,
          expiresAtMs: number,
          owner: fc.string(),
          reason: fc.string(),
        }),
        fence: number,
        suspect: number,
        rolledBack: number,
        intent: fc.record({ fence: number, atMs: number }),
        beganAtMs: number,
        backOff: fc.record({
          untilMs: number,
          class: fc.string(),
          errcode: number,
          message: fc.string(),
          atMs: number,
        }),
        fetches: number,
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.oneof(sealed, fc.anything()), async (value) => {
        await redis.server.call('SET', keys.state, cipher.seal(binding, JSON.stringify(value) || ''));
        expectHarmless(await store.read(SHOP));
      }),
      { numRuns: 300 },
    );
  });
});
