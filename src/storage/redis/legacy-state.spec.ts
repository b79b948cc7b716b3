import { readFileSync } from 'node:fs';
import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import { BEGIN, clock, freshPrefix, granted, sharedRedis } from '../../../test/support/redis-as-broker.js';
import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import { NO_COUNT } from '../../core/refresh/budgets.js';
import { NO_STATE, type StoredState } from '../../core/refresh/transitions.js';
import { fingerprint } from '../../core/token.js';
import { appKeys, legacyKeys, rotationChannel } from './keys.js';
import { defineScripts } from './redis-scripts.js';
import {
  LegacyState,
  RedisConnection,
  RedisRefreshLease,
  RedisRotationFeed,
  RedisTokenStore,
  TokenCipher,
} from './index.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
const redis = sharedRedis(RedisConnection);

/** What the build of 0.1 left behind. */
const left = JSON.parse(
  readFileSync(new URL('../../../test/upgrade/hashes-of-0-1.json', import.meta.url), 'utf8'),
) as {
  readonly takenAtMs: number;
  readonly tokenSha256_8: string;
  readonly keys: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
};

async function restore(prefix: string): Promise<void> {
  for (const [key, value] of Object.entries(left.keys)) {
    const name = key.replace(/^tokenbroker:/, prefix);
    if (typeof value === 'string') await redis.server.call('SET', name, value);
    else await redis.server.call('HSET', name, ...Object.entries(value).flat());
  }
}

let lastMs = 0;

/** As 0.1 stores a token that was fetched just now, later than any before. */
async function storeAs01(
  prefix: string,
  { name }: AppIdentity,
  changes: Readonly<Record<string, string>> = {},
) {
  const nowMs = Math.max(lastMs + 1, Math.floor(clock.wallMs()));
  lastMs = nowMs;
  const fields = {
    generation: String(nowMs),
    base: '0',
    since: String(nowMs),
    value: cipher.seal([name, nowMs], 'old-token'),
    issued_at: String(nowMs),
    expires_at: String(nowMs + 60_000),
    owner: 'old',
    reason: 'cold',
    ...changes,
  };
  await redis.server.call('HSET', `${prefix}{${name}}:state`, ...Object.entries(fields).flat());
  return { generation: nowMs };
}

function storeOf(keyPrefix: string, legacy?: LegacyState): RedisTokenStore {
  const ignore = (): void => undefined;
  const options = {
    keyPrefix,
    cipher,
    onUnreadable: ignore,
    onOtherOwner: ignore,
    ...(legacy && { legacy }),
  };
  return new RedisTokenStore(redis.connection, options);
}

/** Fetches as a replica of today does. Returns the generation. */
async function commit(store: RedisTokenStore, prefix: string, value: string, app = SHOP): Promise<number> {
  const permit = await granted(store, new RedisRefreshLease(redis.connection, prefix), app);
  await store.commit(app, { permit, value, expiresInMs: 60_000, owner: 'me', reason: 'force' });
  return permit.fence;
}

describe('what version 0.1 left in Redis', () => {
  it('is read as it was meant', async () => {
    const prefix = freshPrefix();
    await restore(prefix);
    defineScripts(redis.connection.client);
    const legacy = new LegacyState(redis.connection, cipher, prefix);
    const read = async (app: AppIdentity): Promise<StoredState> => {
      const reader = { app, mayTakeOver: true, leaseId: '', nowMs: left.takenAtMs, mayBeThere: true };
      return (await legacy.merge(NO_STATE, reader)).state;
    };
    const state = await read(SHOP);
    expect(fingerprint(state.record?.value ?? '')).toBe(left.tokenSha256_8);
    expect({ ...state, record: { ...state.record, value: '' } }).toEqual({
      record: {
        generation: 1_795_704_121_888,
        base: 1_795_704_120_854,
        since: 1_795_704_121_888,
        value: '',
        issuedAtMs: 1_795_704_121_888,
        expiresAtMs: 1_795_711_321_888,
        owner: 'vm-753b86',
        reason: 'force',
      },
      fence: 1_795_704_121_888,
      suspect: 0,
      rolledBack: 0,
      intent: null,
      beganAtMs: 1_795_704_121_888,
      backOff: null,
      failures: 0,
      day: 20_783,
      count: { ...NO_COUNT, fetches: 2, forced: 1 },
      clients: {},
    });
    const wrong = await read(appNamed('wrong'));
    expect(wrong).toMatchObject({ record: null, failures: 1, count: { fetches: 1 } });
    expect(wrong.backOff).toMatchObject({
      untilMs: 1_795_704_420_969,
      class: 'configuration',
      errcode: 40125,
      message: expect.stringContaining('invalid appsecret') as string,
    });
    const ticket = await read(appNamed('shop/jsapi'));
    expect(ticket.record?.generation).toBe(1_795_704_121_997);
  });

  it('is stored anew at the first look, and vanishes after a day', async () => {
    const prefix = freshPrefix();
    const { generation } = await storeAs01(prefix, SHOP);
    await redis.server.call('SET', legacyKeys(prefix, SHOP).fence, String(generation));
    const { record } = await storeOf(prefix).read(SHOP);
    expect(record).toMatchObject({ generation, value: 'old-token' });
    expect((await storeOf(prefix).read(SHOP)).record).toEqual(record);
    expect(await redis.server.call('EXISTS', appKeys(prefix, SHOP).state)).toBe(1);
    const { state, fence } = legacyKeys(prefix, SHOP);
    for (const key of [state, fence]) {
      const leftMs = Number(await redis.server.call('PTTL', key));
      expect(leftMs).toBeGreaterThan(DAY_MS - 5000);
      expect(leftMs).toBeLessThanOrEqual(DAY_MS);
    }
  });

  it('is read although the user may not limit its life, as with the rights of 0.1', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP);
    await redis.server.call('ACL', 'SETUSER', 'broker', '-pexpire');
    try {
      expect((await storeOf(prefix).read(SHOP)).record?.value).toBe('old-token');
    } finally {
      await redis.server.call('ACL', 'SETUSER', 'broker', '+pexpire');
    }
    expect(await redis.server.call('PTTL', legacyKeys(prefix, SHOP).state)).toBe(-1);
  });

  it('is nothing where the user may not read it', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP);
    await redis.server.call('ACL', 'SETUSER', 'broker', '-hgetall');
    try {
      expect((await storeOf(prefix).read(SHOP)).record).toBeNull();
    } finally {
      await redis.server.call('ACL', 'SETUSER', 'broker', '+hgetall');
    }
  });

  it('goes to the first that takes it over, and to nobody else under that name', async () => {
    const prefix = freshPrefix();
    const { generation } = await storeAs01(prefix, SHOP);
    const moved = appNamed('shop', { appId: 'wxfedcba9876543210' });
    expect((await storeOf(prefix).read(SHOP)).record?.generation).toBe(generation);
    expect((await storeOf(prefix).read(moved)).record).toBeNull();
    const store = storeOf(prefix);
    await commit(store, prefix, 'token-of-moved', moved);
    expect((await storeOf(prefix).read(SHOP)).record?.generation).toBe(generation);
    const { owner } = appKeys(prefix, SHOP);
    await redis.server.call('DEL', owner);
    expect((await storeOf(prefix).read(appNamed('shop', { appId: 'wx0000000000000000' }))).record).toBeNull();
  });

  it.each([
    ['a generation without end', { generation: '9007199254740989' }],
    ['a generation that its token was not sealed for', { generation: '1795704121888' }],
    ['a token that is not sealed', { value: 'plain' }],
    ['no numbers', { issued_at: 'nan', expires_at: '1e400' }],
    ['a text of megabytes', { owner: 'x'.repeat(2_000_000) }],
    [
      'hundreds of fields',
      Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`f${String(at)}`, '1'])),
    ],
  ])('counts as absent with %s', async (_what, changes) => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP, changes);
    expect(await storeOf(prefix).read(SHOP)).toMatchObject({ record: null, fence: 0, suspect: 0 });
  });

  it('is bounded as all that is stored', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP, {
      expires_at: '9007199254740991',
      suspect: '9007199254740989',
      wait_until: '9007199254740991',
      wait_why: '{"errcode":1,"message":"call this number"}',
      fetches: '-5',
    });
    await redis.server.call('SET', legacyKeys(prefix, SHOP).fence, '9007199254740989');
    const { record, ...rest } = await storeOf(prefix).read(SHOP);
    expect(rest).toMatchObject({ fence: 0, suspect: 0, backOff: null, count: { fetches: 0 } });
    expect((record?.expiresAtMs ?? 0) - (record?.issuedAtMs ?? 0)).toBe(30 * DAY_MS);
  });

  it('is given each new token while it is there, as 0.1 would have stored it', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP, { wait_until: '1', wait_why: '{}', failures: '3' });
    const store = storeOf(prefix);
    await store.read(SHOP);
    const generation = await commit(store, prefix, 'new-token');
    const { state } = legacyKeys(prefix, SHOP);
    const texts = (await redis.server.call('HGETALL', state)) as string[];
    const fields = Object.fromEntries(
      texts.flatMap((text, at) => (at % 2 === 0 ? [[text, texts[at + 1] ?? '']] : [])),
    );
    expect(fields).toMatchObject({ generation: String(generation), owner: 'me', reason: 'force' });
    expect(fields).not.toHaveProperty('wait_until');
    expect(cipher.open(['shop', generation], fields.value ?? '')).toMatchObject({ text: 'new-token' });
    await redis.server.call('DEL', state);
    await commit(store, prefix, 'last-token');
    expect(await redis.server.call('EXISTS', state)).toBe(0);
  });
});

describe('a replica of version 0.1 that still runs', () => {
  const hashOf = async (prefix: string): Promise<Readonly<Record<string, string>>> => {
    const texts = (await redis.server.call('HGETALL', legacyKeys(prefix, SHOP).state)) as string[];
    return Object.fromEntries(texts.flatMap((text, at) => (at % 2 ? [] : [[text, texts[at + 1] ?? '']])));
  };

  it('has its tokens taken over and not suspected, and those of today the same', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP);
    const store = storeOf(prefix);
    await store.read(SHOP);
    const mine = await commit(store, prefix, 'mine');
    lastMs = Math.max(lastMs, mine);
    const { generation } = await storeAs01(prefix, SHOP, { base: String(mine) });
    for (const reader of [store, storeOf(prefix)]) {
      const { record, suspect, intent } = await reader.reconcile(SHOP, { record: null, committed: mine });
      expect({ record, suspect, intent }).toMatchObject({
        record: { generation, base: mine, value: 'old-token' },
        suspect: 0,
        intent: null,
      });
    }
    const next = await commit(store, prefix, 'next');
    expect(next).toBeGreaterThan(generation);
    expect(await hashOf(prefix)).toMatchObject({ generation: String(next) });
    expect(await redis.server.call('GET', legacyKeys(prefix, SHOP).fence)).toBe(String(next));
  });

  it('makes a token that it suspects suspect today', async () => {
    const prefix = freshPrefix();
    const { generation } = await storeAs01(prefix, SHOP);
    const store = storeOf(prefix);
    await store.read(SHOP);
    await redis.server.call('HSET', legacyKeys(prefix, SHOP).state, 'suspect', String(generation));
    expect(await store.read(SHOP)).toMatchObject({ record: { generation }, suspect: generation });
  });

  it('leaves a fetch in doubt if its lease ran out before it said what came of it', async () => {
    const prefix = freshPrefix();
    const { generation } = await storeAs01(prefix, SHOP);
    const { state, lease } = legacyKeys(prefix, SHOP);
    const store = storeOf(prefix);
    await store.read(SHOP);
    const open = { intent: String(generation + 1), intent_at: String(generation), in_doubt: '0' };
    await redis.server.call('HSET', state, ...Object.entries(open).flat());
    await redis.server.call('SET', lease, 'of 0.1');
    expect((await store.read(SHOP)).intent).toBeNull();
    await redis.server.call('DEL', lease);
    expect((await store.read(SHOP)).intent).toMatchObject({ fence: generation + 1 });
    lastMs = await commit(store, prefix, 'healed');
    expect((await store.read(SHOP)).intent).toBeNull();
    expect(await hashOf(prefix)).not.toHaveProperty('intent');
  });

  it('does not fetch at the same time: who fetches has the leases of both', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP);
    const legacy = new LegacyState(redis.connection, cipher, prefix);
    const lease = new RedisRefreshLease(redis.connection, prefix, legacy);
    const { lease: theirs } = legacyKeys(prefix, SHOP);
    const { lease: ours } = appKeys(prefix, SHOP);
    await redis.server.call('SET', theirs, 'of 0.1');
    expect(await lease.acquire(SHOP, 5000)).toEqual({ kind: 'held' });
    expect(await redis.server.call('EXISTS', ours)).toBe(0);
    await redis.server.call('DEL', theirs);
    const acquired = await lease.acquire(SHOP, 5000);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    expect(await redis.server.call('EXISTS', ours, theirs)).toBe(2);
    await lease.release(acquired.lease);
    expect(await redis.server.call('EXISTS', ours, theirs)).toBe(0);
  });

  it('goes first where it began to fetch after the lease was taken', async () => {
    const prefix = freshPrefix();
    const legacy = new LegacyState(redis.connection, cipher, prefix);
    const store = storeOf(prefix, legacy);
    await store.read(SHOP);
    const lease = new RedisRefreshLease(redis.connection, prefix, legacy);
    const acquired = await lease.acquire(SHOP, 5000);
    if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
    const { generation } = await storeAs01(prefix, SHOP);
    const { state, lease: theirs } = legacyKeys(prefix, SHOP);
    const open = { intent: String(generation + 1), intent_at: String(generation), in_doubt: '0' };
    await redis.server.call('HSET', state, ...Object.entries(open).flat());
    await redis.server.call('SET', theirs, 'of 0.1');
    const begin = { ...BEGIN, lease: acquired.lease };
    expect(await store.begin(SHOP, begin)).toMatchObject({ kind: 'lease_lost', view: { intent: null } });
    await redis.server.call('DEL', theirs);
    expect(await store.begin(SHOP, begin)).toMatchObject({
      kind: 'granted',
      permit: { view: { intent: {} } },
    });
  });

  it('is seen with the next read when its message was lost, or came before the read that found nothing was over', async () => {
    const prefix = freshPrefix();
    const legacy = new LegacyState(redis.connection, cipher, prefix);
    const store = storeOf(prefix, legacy);
    expect((await store.read(SHOP)).record).toBeNull();
    const { generation } = await storeAs01(prefix, SHOP);
    expect((await store.read(SHOP)).record?.generation).toBe(generation);
    expect(legacy.isThere(SHOP)).toBe(true);
  });

  it('is heard when it fetches, also if there was nothing of it for a while', async () => {
    const prefix = freshPrefix();
    const legacy = new LegacyState(redis.connection, cipher, prefix);
    const store = storeOf(prefix, legacy);
    expect((await store.read(SHOP)).record).toBeNull();
    expect(legacy.isThere(SHOP)).toBe(false);
    const feed = new RedisRotationFeed(redis.connection, prefix, undefined, legacy);
    try {
      const heard = new Promise((resolve) => feed.subscribe(resolve));
      await new Promise<void>((resolve) => feed.subscribe(() => undefined, resolve));
      const { generation } = await storeAs01(prefix, SHOP);
      for (const app of ['unknown', SHOP.name]) {
        await redis.server.call('PUBLISH', rotationChannel(prefix), JSON.stringify({ app, generation }));
      }
      expect(await heard).toEqual({ key: identityKey(SHOP), generation });
      expect((await store.read(SHOP)).record?.generation).toBe(generation);
    } finally {
      feed.close();
    }
  });
});
