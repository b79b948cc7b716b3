import { SystemClock } from '../../core/system-clock.js';
import { freshPrefix, sharedRedis, USER } from '../../../test/support/redis-as-broker.js';
import { eventually } from '../../../test/support/eventually.js';
import { ShiftedClock } from '../../../test/support/shifted-clock.js';
import { CONTRACT_TIMES, describeLoginStore } from '../../core/ports/login-store.contract.js';
import type { LoginIdentity, OpenLogin } from '../../core/ports/login-store.js';
import { RedisConnection, RedisLoginStore, TokenCipher } from './index.js';

const time = new ShiftedClock();
const redis = sharedRedis(RedisConnection, time);
const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
const SHOP: LoginIdentity = { name: 'shop', provider: 'fake', appId: 'wx0123456789abcdef' };
const LOGIN: OpenLogin = {
  way: 'direct',
  client: 'orders',
  proof: `b:${'p'.repeat(43)}`,
  redirectUri: 'https://shop.example.com/canary-path',
  landing: null,
  answer: null,
};
const CHECK = { state: 'canary-state', way: 'direct', client: 'orders', proof: LOGIN.proof } as const;
/** What docs/redis.md tells of memory rests on it. */
const MAX_BYTES_A_KEY = 1024;
const CLAIM = { code: 'canary-code', id: 'attempt-1', caller: 'c'.repeat(43), pendingMs: 1000 };

describeLoginStore('Redis', async () => ({
  store: new RedisLoginStore(redis.connection, { keyPrefix: freshPrefix(), cipher }, CONTRACT_TIMES),
  elapse: (ms) => time.advance(ms),
}));

describe('logins in Redis', () => {
  const world = () => {
    const keyPrefix = freshPrefix();
    const store = new RedisLoginStore(redis.connection, { keyPrefix, cipher });
    const keys = async (): Promise<string[]> =>
      ((await redis.server.call('KEYS', `${keyPrefix}*`)) as string[]).sort();
    return { keyPrefix, store, keys };
  };

  it('hold nothing in clear, have an end, and lie on one node for each app', async () => {
    const { keyPrefix, store, keys } = world();
    const handle = `tbs_${'h'.repeat(52)}`;
    await store.open(SHOP, CHECK.state, LOGIN, 60_000);
    await store.begin(SHOP, { check: CHECK, claim: CLAIM });
    await store.finish(SHOP, {
      claim: CLAIM,
      outcome: { kind: 'answered', answer: null, body: '{"access_token":"canary-body"}', ticket: null },
      session: {
        handle,
        session: {
          client: 'orders',
          openid: 'canary-openid',
          scope: [],
          tokens: { accessToken: 'canary-access', expiresAtMs: 1e12, refreshToken: 'canary-refresh' },
          expiresAtMs: 2e12,
          isOver: false,
        },
        lifeMs: 60_000,
      },
      sessionKey: { openid: 'canary-openid', key: 'canary-key', beganAtMs: 1, lifeMs: 60_000 },
    });
    await store.noteToken(SHOP, 'canary-access', 60_000);
    expect(await redis.server.dump()).not.toMatch(/canary|tbs_/);
    const all = await keys();
    expect(all).toHaveLength(6);
    for (const key of all) {
      expect(key).toMatch(/:login:(state|code|outcome|session|key|token):[\w-]{43}$/);
      if (!key.includes(':login:token:')) expect(key.startsWith(`${keyPrefix}{shop}:`)).toBe(true);
      expect(Number(await redis.server.call('PTTL', key))).toBeGreaterThan(0);
      expect(Number(await redis.server.call('MEMORY', 'USAGE', key))).toBeLessThan(MAX_BYTES_A_KEY);
    }
  });

  it('take one command for each step of a login', async () => {
    const { store } = world();
    const count = async (): Promise<number> =>
      [
        ...String(await redis.server.call('INFO', 'commandstats')).matchAll(/cmdstat_evalsha:calls=(\d+)/g),
      ].reduce((sum, [, calls]) => sum + Number(calls), 0);
    await store.open(SHOP, CHECK.state, LOGIN, 60_000);
    const before = await count();
    await store.begin(SHOP, { check: CHECK, claim: CLAIM });
    await store.finish(SHOP, { claim: CLAIM, outcome: { kind: 'lost' } });
    expect((await count()) - before).toBeLessThanOrEqual(2);
  });

  const DAMAGE = [
    '',
    '!',
    'x'.repeat(70_000),
    'o 99999999999999 0 direct orders',
    '{"way":"direct"}',
    'k1.AAAA',
  ];
  it.each(DAMAGE)('that somebody damaged are as if they were not there: %.20s', async (damage) => {
    const { store, keys } = world();
    const handle = `tbs_${'h'.repeat(52)}`;
    await store.open(SHOP, CHECK.state, LOGIN, 60_000);
    const session = {
      client: 'orders',
      openid: 'mary',
      scope: [],
      tokens: null,
      expiresAtMs: 2e12,
      isOver: false,
    };
    await store.finish(SHOP, {
      claim: { ...CLAIM, code: 'another' },
      outcome: { kind: 'answered', answer: null, body: 'body', ticket: null },
      session: { handle, session, lifeMs: 60_000 },
      sessionKey: { openid: 'mary', key: 'key', beganAtMs: 1, lifeMs: 60_000 },
    });
    await store.noteToken(SHOP, 'token', 60_000);
    for (const key of await keys()) await redis.server.call('SET', key, damage);
    expect((await store.begin(SHOP, { check: CHECK, claim: CLAIM })).kind).toBe('unknown');
    expect((await store.session(SHOP, handle)).session).toBeNull();
    expect(await store.sessionKey(SHOP, 'mary')).toBeNull();
    expect(await store.appOfToken([SHOP], 'token')).toBeNull();
    expect((await store.begin(SHOP, { check: null, claim: { ...CLAIM, code: 'another' } })).kind).toBe(
      'claimed',
    );
  });

  it('use nothing up when Redis gets to it after nobody waits any more', async () => {
    const { store } = world();
    for (const state of ['heard-before', CHECK.state]) await store.open(SHOP, state, LOGIN, 60_000);
    await store.begin(SHOP, { check: { ...CHECK, state: 'heard-before' }, claim: null });
    redis.server.freeze();
    await expect(store.begin(SHOP, { check: CHECK, claim: CLAIM })).rejects.toThrow('no answer');
    redis.server.thaw();
    const again = { ...CLAIM, id: 'attempt-2' };
    const begun = await eventually('an answer', () =>
      store.begin(SHOP, { check: CHECK, claim: again }).catch(() => undefined),
    );
    expect(begun).toMatchObject({ kind: 'claimed', login: LOGIN });
  });

  it('go on when the clock of Redis has jumped ahead, as after a failover to a machine with another time', async () => {
    let jumpMs = 0;
    class JumpingClock extends SystemClock {
      override monotonicMs = (): number => super.monotonicMs() - jumpMs;
    }
    const server = { kind: 'url', url: redis.server.url(USER) } as const;
    const connection = new RedisConnection(
      { server, username: null, password: null, tls: null },
      new JumpingClock(),
    );
    await connection.ready(5000);
    const store = new RedisLoginStore(connection, { keyPrefix: freshPrefix(), cipher });
    const kindOf = async (code: string) =>
      (await store.begin(SHOP, { check: null, claim: { ...CLAIM, code } })).kind;
    const kinds = [await kindOf('before')];
    jumpMs = 3_600_000;
    kinds.push(await kindOf('after'), await kindOf('after'));
    expect(kinds).toEqual(['claimed', 'claimed', 'pending']);
    connection.close();
  });

  it('cannot be forged beside what is sealed', async () => {
    const { keyPrefix, store, keys } = world();
    await store.open(SHOP, CHECK.state, LOGIN, 60_000);
    const [key = ''] = await keys();
    const value = String(await redis.server.call('GET', key));
    await redis.server.call('SET', key, value.replace(' orders ', ' billing '));
    expect((await store.begin(SHOP, { check: { ...CHECK, client: 'billing' }, claim: CLAIM })).kind).toBe(
      'unknown',
    );
    // What is sealed for one state opens for no other.
    await store.open(SHOP, 'another-state', { ...LOGIN, client: 'billing' }, 60_000);
    const other = (await keys()).find((one) => one !== key && one.includes(':state:')) ?? '';
    await redis.server.call('SET', other, value);
    const forged = { ...CHECK, state: 'another-state' };
    expect((await store.begin(SHOP, { check: forged, claim: { ...CLAIM, code: 'x' } })).kind).toBe('unknown');
    expect(keyPrefix).not.toBe('');
  });
});
