import { readFileSync } from 'node:fs';
import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import { clock, freshPrefix, granted, sharedRedis } from '../../../test/support/redis-as-broker.js';
import type { AppIdentity } from '../../core/app-definition.js';
import { NO_COUNT } from '../../core/refresh/budgets.js';
import { readAppState } from '../../core/refresh/read-app-state.js';
import { fingerprint } from '../../core/token.js';
import { appKeys, legacyKeys } from './keys.js';
import { LegacyState } from './legacy-state.js';
import { defineScripts } from './redis-scripts.js';
import { RedisConnection, RedisRefreshLease, RedisTokenStore, TokenCipher } from './index.js';

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

/** As 0.1 stores a token that was fetched just now. */
async function storeAs01(
  prefix: string,
  { name }: AppIdentity,
  changes: Readonly<Record<string, string>> = {},
) {
  const nowMs = Math.floor(clock.wallMs());
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

function storeOf(keyPrefix: string): RedisTokenStore {
  const ignore = (): void => undefined;
  const options = { keyPrefix, cipher, onUnreadable: ignore, onOtherOwner: ignore };
  return new RedisTokenStore(redis.connection, options);
}

describe('what version 0.1 left in Redis', () => {
  it('is read as it was meant', async () => {
    const prefix = freshPrefix();
    await restore(prefix);
    defineScripts(redis.connection.client);
    const legacy = new LegacyState(redis.connection, cipher, prefix);
    const state = readAppState(await legacy.read(SHOP), left.takenAtMs);
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
    const wrong = readAppState(await legacy.read(appNamed('wrong')), left.takenAtMs);
    expect(wrong).toMatchObject({ record: null, failures: 1, count: { fetches: 1 } });
    expect(wrong.backOff).toMatchObject({
      untilMs: 1_795_704_420_969,
      class: 'configuration',
      errcode: 40125,
      message: expect.stringContaining('invalid appsecret') as string,
    });
    const ticket = readAppState(await legacy.read(appNamed('shop/jsapi')), left.takenAtMs);
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
    for (const key of Object.values(legacyKeys(prefix, SHOP))) {
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

  it('is not looked at again, and goes to nobody else under that name', async () => {
    const prefix = freshPrefix();
    await storeAs01(prefix, SHOP);
    const store = storeOf(prefix);
    expect((await store.read(SHOP)).record).not.toBeNull();
    const moved = appNamed('shop', { appId: 'wxfedcba9876543210' });
    expect((await store.read(moved)).record).toBeNull();
    expect((await storeOf(prefix).read(moved)).record).toBeNull();
    const { state, owner } = appKeys(prefix, SHOP);
    await redis.server.call('DEL', state, owner);
    expect((await store.read(SHOP)).record).toBeNull();
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
    const lease = new RedisRefreshLease(redis.connection, prefix);
    const fetch = async (value: string): Promise<number> => {
      const grant = await granted(store, lease);
      await store.commit(SHOP, { grant, value, expiresInMs: 60_000, owner: 'me', reason: 'force' });
      return grant.fence;
    };
    const generation = await fetch('new-token');
    const { state } = legacyKeys(prefix, SHOP);
    const texts = (await redis.server.call('HGETALL', state)) as string[];
    const fields = Object.fromEntries(
      texts.flatMap((text, at) => (at % 2 === 0 ? [[text, texts[at + 1] ?? '']] : [])),
    );
    expect(fields).toMatchObject({ generation: String(generation), owner: 'me', reason: 'force' });
    expect(fields).not.toHaveProperty('wait_until');
    expect(cipher.open(['shop', generation], fields.value ?? '')).toMatchObject({ text: 'new-token' });
    await redis.server.call('DEL', state);
    await fetch('last-token');
    expect(await redis.server.call('EXISTS', state)).toBe(0);
  });
});
