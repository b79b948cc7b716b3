import { MINIMAL_ACL } from '../../../test/support/minimal-acl.js';
import { eventually } from '../../../test/support/eventually.js';
import { clock, USER } from '../../../test/support/redis-as-broker.js';
import { RedisCluster } from '../../../test/support/redis-cluster.js';
import { RedisSentinel } from '../../../test/support/redis-sentinel.js';
import { LOGIN } from '../../core/ports/login-store.contract.js';
import type { LoginIdentity, UserSession } from '../../core/ports/login-store.js';
import { StoreUnavailableError } from '../../core/errors.js';
import { RedisConnection, RedisLoginStore, TokenCipher } from './index.js';
import type { RedisSettings } from './redis-connection.js';

const USERS = [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`];
const LIFE_MS = 60_000;
const ANSWERED = { kind: 'answered', answer: null, body: '{"openid":"mary"}', ticket: null } as const;
const TOKENS = { accessToken: 'access-1', expiresAtMs: 1e12, refreshToken: 'refresh-1' };
const SESSION: UserSession = {
  client: 'orders',
  openid: 'mary',
  scope: ['base'],
  tokens: TOKENS,
  expiresAtMs: 2e12,
  isOver: false,
};

const opened: RedisConnection[] = [];
afterAll(() => {
  for (const connection of opened) connection.close();
});

async function storeOn(server: RedisSettings['server']): Promise<RedisLoginStore> {
  const settings = { server, username: USER.name, password: USER.password, tls: null };
  const connection = new RedisConnection(settings, clock);
  opened.push(connection);
  await connection.ready(5000);
  const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
  return new RedisLoginStore(connection, { keyPrefix: 'tokenbroker:', cipher });
}

/** The steps of one user's login. */
function loginOf(store: RedisLoginStore, name: string, user = 'mary') {
  const app: LoginIdentity = { name, provider: 'fake', appId: 'wx0123456789abcdef' };
  const handle = `tbs_${user.padEnd(52, 'h')}`;
  const claim = { code: `code-of-${user}`, id: 'attempt-1', caller: 'c'.repeat(43), pendingMs: 1000 };
  const check = { state: `state-of-${user}`, way: 'direct', client: 'orders', proof: LOGIN.proof } as const;
  const begin = (id = claim.id) => store.begin(app, { check, claim: { ...claim, id } });
  return {
    open: () => store.open(app, check.state, LOGIN, LIFE_MS),
    begin,
    finish: async () => {
      await store.noteToken(app, `token-of-${name}-${user}`, LIFE_MS);
      await store.finish(app, {
        claim,
        outcome: ANSWERED,
        session: { handle, session: SESSION, lifeMs: LIFE_MS },
        sessionKey: { openid: user, key: 'key', beganAtMs: 1, lifeMs: LIFE_MS },
      });
    },
    session: async () => (await store.session(app, handle)).session,
    refreshTo: async (refreshToken: string) => {
      expect(await store.lockSession(app, handle, 'one', LIFE_MS)).toBe(true);
      const session = { ...SESSION, tokens: { ...TOKENS, refreshToken } };
      await store.saveSession(app, handle, 'one', { session, lifeMs: LIFE_MS });
    },
    sessionKey: () => store.sessionKey(app, user),
    appOfToken: async () => (await store.appOfToken([app], `token-of-${name}-${user}`))?.name,
    end: () => store.endSession(app, handle),
  };
}

describe('logins on Redis Cluster', () => {
  let cluster: RedisCluster;
  let store: RedisLoginStore;
  beforeAll(async () => {
    cluster = await RedisCluster.start(USERS);
    const { host, port } = cluster.first;
    store = await storeOn({ kind: 'cluster', nodes: [{ host, port }] });
  });

  it('go through all their steps on either node, as the user of the documentation', async () => {
    const counted: number[] = [];
    for (const name of ['shop', 'blog', 'news', 'mini']) {
      const login = loginOf(store, name);
      await login.open();
      expect(await login.begin()).toMatchObject({ kind: 'claimed', login: LOGIN });
      expect(await login.begin('attempt-2')).toMatchObject({ kind: 'pending' });
      await login.finish();
      expect(await login.begin('attempt-2')).toMatchObject({ kind: 'finished', outcome: ANSWERED });
      expect(await login.session()).toEqual(SESSION);
      await login.refreshTo('refresh-2');
      expect((await login.session())?.tokens?.refreshToken).toBe('refresh-2');
      expect([await login.sessionKey(), await login.appOfToken()]).toEqual(['key', name]);
      await login.end();
      expect(await login.session()).toBeNull();
    }
    for (const node of [cluster.first, cluster.second]) {
      counted.push(((await node.call('KEYS', 'tokenbroker:{*}:login:*')) as string[]).length);
    }
    expect(Math.min(...counted)).toBeGreaterThan(0);
  });

  it('lose nothing while a slot moves to another node: no code is claimed twice, no session is gone', async () => {
    const [spent, pending, fresh] = ['mary', 'john', 'anne'].map((user) => loginOf(store, 'moved', user));
    if (!spent || !pending || !fresh) throw new Error('three users');
    for (const login of [spent, pending, fresh]) await login.open();
    await spent.begin();
    await spent.finish();
    await pending.begin();

    const move = await cluster.beginMove('{moved}');
    // A code that no node has yet, beside a state that is there: the node cannot tell, and nothing is used up.
    const undecided = await fresh.begin().catch((error: unknown) => error);
    expect(undecided).toBeInstanceOf(StoreUnavailableError);
    expect((undecided as Error).message).toMatch(/slot is being moved/);
    await move.moveKeys();
    // ASK: the keys are on the other node already.
    expect(await spent.session()).toEqual(SESSION);
    expect(await spent.sessionKey()).toBe('key');
    await move.end();
    // MOVED: this connection has the old map.
    expect(await spent.begin('attempt-2')).toMatchObject({ kind: 'finished', outcome: ANSWERED });
    expect(await pending.begin('attempt-2')).toMatchObject({ kind: 'pending' });
    expect(await fresh.begin()).toMatchObject({ kind: 'claimed', login: LOGIN });
  }, 20_000);
});

/** Of a dump, whose keys come in any order. */
function sorted(dump: string): string {
  return (JSON.parse(dump) as unknown[]).map(String).sort().join('\n');
}

describe('logins when a replica of Redis takes over that has missed the last writes', () => {
  it('may send a code and use a state again, lose a session and its last refresh, undo a logout; all else is kept', async () => {
    const group = await RedisSentinel.start({ users: USERS });
    const store = await storeOn({ kind: 'sentinel', sentinels: [...group.endpoints], name: group.name });
    const [before, ended, during] = ['mary', 'anne', 'john'].map((user) => loginOf(store, 'shop', user));
    if (!before || !ended || !during) throw new Error('three users');
    for (const login of [before, ended]) {
      await login.open();
      await login.begin();
      await login.finish();
    }
    await during.open();
    await eventually('all of it replicated', async () => {
      const [one, other] = await Promise.all([group.first.dump(), group.second.dump()]);
      return sorted(one) === sorted(other);
    });

    await group.stopReplication();
    await during.begin();
    await during.finish();
    await before.refreshTo('refresh-2');
    await ended.end();
    await group.killPrimary();
    const known = await eventually('the new primary', () => before.begin('attempt-2').catch(() => undefined));

    // What was replicated stays spent.
    expect(known).toMatchObject({ kind: 'finished', outcome: ANSWERED });
    expect(await before.session()).toEqual(SESSION);
    // The platform takes the code no more and says so (40163); a single-use refresh token is gone with its successor.
    expect((await before.session())?.tokens?.refreshToken).toBe('refresh-1');
    expect(await during.begin('attempt-2')).toMatchObject({ kind: 'claimed', login: LOGIN });
    expect(await during.session()).toBeNull();
    expect(await ended.session()).toEqual(SESSION);
    await group.stop();
  }, 30_000);
});
