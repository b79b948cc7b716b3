import { setImmediate as turn } from 'node:timers/promises';
import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import { eventually } from '../../../test/support/eventually.js';
import {
  clock,
  freshPrefix,
  granted,
  sharedRedis,
  storeOver,
  USER,
} from '../../../test/support/redis-as-broker.js';
import { RedisCluster } from '../../../test/support/redis-cluster.js';
import { MINIMAL_ACL } from '../../../test/support/minimal-acl.js';
import { identityKey } from '../../core/app-definition.js';
import { describeChanges } from '../../core/ports/token-store-changes.contract.js';
import { StoreSteps } from '../../core/ports/token-store-steps.contract.js';
import { sleep } from '../../core/ports/clock.js';
import type { TokenStore } from '../../core/ports/token-store.js';
import { StoreUnavailableError } from '../../core/errors.js';
import { ChangeList } from './change-list.js';
import { RedisConnection, RedisRefreshLease, type RedisTokenStore } from './index.js';

const redis = sharedRedis(RedisConnection);
const SHOP_KEY = identityKey(SHOP);
const USERS = [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`];

/** Knows how many commands have no answer yet. */
class CountingConnection extends RedisConnection {
  running = 0;

  override async run<T>(work: () => Promise<T>): Promise<T> {
    this.running += 1;
    try {
      return await super.run(work);
    } finally {
      this.running -= 1;
    }
  }
}

/** Two replicas, `here` and `there`, over one list. */
function world(connection = redis.connection, keyPrefix = freshPrefix()) {
  const [here, there] = [storeOver(connection, keyPrefix), storeOver(connection, keyPrefix)];
  const lease = new RedisRefreshLease(connection, keyPrefix);
  const cursors = new Map<TokenStore, string>();
  const seen = async (by: RedisTokenStore): Promise<readonly string[] | string> => {
    const changes = await by.changes(cursors.get(by) ?? null);
    if (changes.kind !== 'unsupported') cursors.set(by, changes.cursor);
    return changes.kind === 'since' ? [...changes.keys] : changes.kind;
  };
  return {
    here,
    there,
    list: `${keyPrefix}changes`,
    seen,
    /** A write by `here`. */
    write: (app = SHOP) => granted(here, lease, app),
  };
}

const call = (...words: readonly string[]): Promise<unknown> => {
  const [command, ...rest] = words;
  return redis.server.call(String(command), ...rest);
};

describe('the list of changes in Redis', () => {
  it('does not name to a replica what it wrote itself', async () => {
    const { here, there, seen, write } = world();
    await seen(here);
    await seen(there);
    await write();
    expect(await seen(here)).toEqual([]);
    expect(await seen(there)).toEqual([SHOP_KEY]);
  });

  it('has a gap after it was trimmed past the last look, emptied or replaced by something else', async () => {
    const { there, seen, write, list } = world();
    const spoilt = async (...words: readonly string[]): Promise<void> => {
      await seen(there);
      await write();
      await call(...words);
      expect([words, await seen(there)]).toEqual([words, 'gap']);
      await write();
      expect([words, await seen(there)]).toEqual([words, [SHOP_KEY]]);
    };
    await spoilt('XTRIM', list, 'MAXLEN', '0');
    await spoilt('DEL', list);
    await spoilt('SET', list, 'garbage');
  });

  it('begins anew, with a gap, where somebody used up its ids', async () => {
    const { there, seen, write, list } = world();
    // Often, so that all of it also happens within one millisecond.
    for (let round = 0; round < 30; round += 1) {
      await call('DEL', list);
      expect(await seen(there)).toBe('gap');
      await call('XADD', list, '18446744073709551615-18446744073709551615', 'app', 'x');
      await write();
      expect(await seen(there)).toBe('gap');
      await write();
      expect(await seen(there)).toEqual([SHOP_KEY]);
    }
  });

  it('has a gap for who wrote an entry that Redis has lost, as in a failover', async () => {
    const { here, seen, write, list } = world();
    await seen(here);
    await write();
    const [[id]] = (await call('XREVRANGE', list, '+', '-', 'COUNT', '1')) as [[string]];
    await write(appNamed('blog'));
    await call('XDEL', list, id);
    expect(await seen(here)).toBe('gap');
    expect(await seen(here)).toEqual([]);
  });

  it('has a gap after a connection was lost', async () => {
    const { here, seen } = world();
    await seen(here);
    const before = redis.connection.interruptions;
    await call('CLIENT', 'KILL', 'USER', USER.name);
    await eventually(
      'a new connection',
      () => redis.connection.interruptions > before && redis.connection.isReady,
    );
    expect(await seen(here)).toBe('gap');
    expect(await seen(here)).toEqual([]);
  });

  it('takes what strangers put into it for nothing, and holds no more than some 10,000 entries', async () => {
    const { there, seen, list } = world();
    await seen(there);
    await call('XADD', list, '*', 'other', 'field', 'app', SHOP_KEY);
    await call('XADD', list, '*', 'app', 'x'.repeat(2000));
    await call('XADD', list, '*', 'app', 'anything');
    expect(await seen(there)).toEqual(['anything']);
    const { client } = redis.connection;
    const names = Array.from({ length: 500 }, (_, index) => `app-${String(index)}`);
    for (let round = 0; round < 22; round += 1) await client.brokerNote(list, ...names);
    expect(Number(await call('XLEN', list))).toBeLessThan(10_200);
    expect(await seen(there)).toBe('gap');
    for (let round = 0; round < 3; round += 1) await client.brokerNote(list, ...names);
    expect(await seen(there)).toHaveLength(500);
  });

  it('is unsupported for a user who may not use it, whose writes are stored all the same', async () => {
    const { there, seen, write } = world();
    await seen(there);
    const grant = async (rules: string): Promise<unknown> =>
      call('ACL', 'SETUSER', USER.name, ...rules.split(' '));
    for (const denied of ['-xadd', '-xrange -xrevrange']) {
      await grant(denied);
      const { fence } = await write();
      expect([denied, await seen(there)]).toEqual([denied, denied === '-xadd' ? [] : 'unsupported']);
      expect((await there.read(SHOP)).fence).toBe(fence);
      await grant('+xadd +xrange +xrevrange');
    }
  });

  it('gets what could not be written into it as soon as the user may', async () => {
    const { here, there, seen, write } = world();
    await seen(there);
    await call('ACL', 'SETUSER', USER.name, '-xadd');
    await write();
    expect(await seen(here)).toBe('unsupported');
    await call('ACL', 'SETUSER', USER.name, '+xadd');
    expect(await seen(there)).toEqual([]);
    expect(await seen(here)).toBe('gap');
    expect(await seen(there)).toEqual([SHOP_KEY]);
  });
});

describe('Redis Cluster', () => {
  let cluster: RedisCluster;
  let connection: CountingConnection;

  beforeAll(async () => {
    cluster = await RedisCluster.start(USERS);
    const { host, port } = cluster.first;
    const server = { kind: 'cluster', nodes: [{ host, port }] } as const;
    connection = new CountingConnection(
      { server, username: USER.name, password: USER.password, tls: null },
      clock,
    );
    await connection.ready(5000);
    // Every node, so that none is new later.
    for (const name of ['a', 'b', 'c', 'd']) await storeOver(connection, freshPrefix()).read(appNamed(name));
  }, 30_000);

  afterAll(() => {
    connection.close();
  });

  /** Entries are added after what they are about: looks when every command has its answer. */
  const patient = (store: RedisTokenStore): TokenStore =>
    new Proxy(store, {
      get: (target, name) =>
        name === 'changes'
          ? async (since: string | null) => {
              do await turn();
              while (connection.running > 0);
              return target.changes(since);
            }
          : (Reflect.get(target, name) as unknown),
    });

  describeChanges(
    new StoreSteps(async () => {
      const keyPrefix = freshPrefix();
      return {
        store: storeOver(connection, keyPrefix),
        there: patient(storeOver(connection, keyPrefix)),
        lease: new RedisRefreshLease(connection, keyPrefix),
        elapse: (ms) => sleep(clock, ms),
      };
    }),
  );

  it('names to a replica what it wrote itself, if it got no answer', async () => {
    const list = new ChangeList(connection, freshPrefix());
    const first = await list.since(null);
    if (first.kind === 'unsupported') throw new Error(first.kind);
    const unanswered = list.write('shop', () =>
      Promise.reject(new StoreUnavailableError('command timed out')),
    );
    await expect(unanswered).rejects.toThrow('timed out');
    expect(await list.since(first.cursor)).toMatchObject({ kind: 'since', keys: new Set(['shop']) });
  });

  it('adds an entry later, when the node of the list is back', async () => {
    const keyPrefix = freshPrefix();
    const { here, there, seen, write, list } = world(connection, keyPrefix);
    await seen(here);
    await seen(there);
    const slotOf = async (key: string): Promise<number> =>
      Number(await cluster.first.call('CLUSTER', 'KEYSLOT', key));
    const isFirst = async (key: string): Promise<boolean> => (await slotOf(key)) <= 8191;
    const names = Array.from({ length: 20 }, (_, index) => `app-${String(index)}`);
    const ofList = await isFirst(list);
    const elsewhere = await Promise.all(
      names.map(async (name) => ((await isFirst(`{${name}}`)) === ofList ? [] : name)),
    );
    const [name = ''] = elsewhere.flat();
    const node = ofList ? cluster.first : cluster.second;
    node.freeze();
    await write(appNamed(name));
    await expect(seen(here)).rejects.toThrow('no answer');
    node.thaw();
    await eventually('the list', async () => {
      const found = await seen(here).catch(() => null);
      return found !== null;
    });
    // Whoever lost a connection reads all; this one did, too.
    const { interruptions } = connection;
    expect(interruptions).toBeGreaterThan(0);
    const entries = JSON.stringify(await node.call('XRANGE', list, '-', '+'));
    expect(entries).toContain(identityKey(appNamed(name)));
  }, 30_000);
});
