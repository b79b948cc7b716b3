import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import { identityKey } from '../../core/app-definition.js';
import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { eventually } from '../../../test/support/eventually.js';
import { freePort } from '../../../test/support/free-port.js';
import { OwnProcess } from '../../../test/support/own-process.js';
import { granted } from '../../../test/support/redis-as-broker.js';
import { formed, RedisCluster, startClusterNode } from '../../../test/support/redis-cluster.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { SystemClock } from '../../core/system-clock.js';
import { MINIMAL_ACL } from '../../../test/support/minimal-acl.js';
import {
  RedisAppClaim,
  RedisConnection,
  RedisRefreshLease,
  RedisRotationFeed,
  RedisTokenStore,
  TokenCipher,
} from './index.js';
import type { RedisSettings } from './redis-connection.js';

const USER = { name: 'broker', password: 'broker-password' };
const USERS = [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`];
const SENTINEL_PASSWORD = 'sentinel-password';
const KEY_PREFIX = 'tokenbroker:';
const LOGIN = { username: USER.name, password: USER.password };

const opened: { close(): void }[] = [];

afterEach(() => {
  for (const own of opened.splice(0)) own.close();
});

async function connect(settings: RedisSettings): Promise<RedisConnection> {
  const connection = new RedisConnection(settings, new SystemClock());
  opened.push(connection);
  await connection.ready(5000);
  return connection;
}

function storeOf(connection: RedisConnection): RedisTokenStore {
  const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
  return new RedisTokenStore(connection, {
    keyPrefix: KEY_PREFIX,
    cipher,
    onUnreadable: () => undefined,
    onOtherOwner: () => undefined,
  });
}

/** One fetch, as a broker does it, announced on the feed. */
async function rotate(connection: RedisConnection, name: string): Promise<void> {
  const app = appNamed(name);
  const store = storeOf(connection);
  const lease = new RedisRefreshLease(connection, KEY_PREFIX);
  const permit = await granted(store, lease, app);
  const commit = { value: `token-of-${name}`, expiresInMs: 60_000, owner: 'me', reason: 'cold' } as const;
  await store.commit(app, { ...commit, permit });
  expect((await store.read(app)).record?.value).toBe(`token-of-${name}`);
}

describe('Redis behind sentinels that take TLS and a password only', () => {
  const startSentinel = async (server: RedisServer): Promise<number> => {
    if (!server.certificates) throw new Error('It has no certificates');
    const { caFile, certFile, keyFile } = server.certificates;
    const folder = dirname(caFile);
    const port = await freePort();
    const file = join(folder, 'sentinel.conf');
    const lines = [
      'port 0',
      `tls-port ${String(port)}`,
      `tls-ca-cert-file ${caFile}`,
      `tls-cert-file ${certFile}`,
      `tls-key-file ${keyFile}`,
      'tls-auth-clients no',
      'tls-replication yes',
      'bind 127.0.0.1',
      `dir ${folder}`,
      `requirepass ${SENTINEL_PASSWORD}`,
      `sentinel monitor broker ${server.host} ${String(server.port)} 1`,
      `sentinel auth-pass broker ${server.password}`,
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const child = new OwnProcess('redis-server', [file, '--sentinel'], { cwd: folder });
    await eventually('a sentinel', () => child.output.includes('+monitor'));
    return port;
  };

  it('is reached, and only with both', async () => {
    const server = await RedisServer.start({ tls: true, users: USERS });
    const port = await startSentinel(server);
    const settings: RedisSettings = {
      server: { kind: 'sentinel', sentinels: [{ host: server.host, port }], name: 'broker' },
      ...LOGIN,
      sentinelPassword: SENTINEL_PASSWORD,
      tls: { ca: server.certificates?.ca ?? null, serverName: null },
    };
    await rotate(await connect(settings), 'shop');

    const without = new RedisConnection({ ...settings, sentinelPassword: null }, new SystemClock());
    opened.push(without);
    await eventually('the reason', async () => {
      const error: unknown = await storeOf(without)
        .read(SHOP)
        .catch((reason: unknown) => reason);
      return error instanceof Error && error.message.includes('NOAUTH');
    });
  });
});

describe('Redis Cluster', () => {
  const settingsOf = ({ host, port }: RedisServer): RedisSettings => ({
    server: { kind: 'cluster', nodes: [{ host, port }] },
    ...LOGIN,
    tls: null,
  });

  it('serves the user of the documentation: lease, fetches and feed', async () => {
    const server = await startClusterNode({ users: USERS, busPort: await freePort(), slots: [0, 16_383] });
    await formed(server);
    const connection = await connect(settingsOf(server));
    for (const app of ['shop', 'blog', 'news']) await rotate(connection, app);

    const feed = new RedisRotationFeed(connection, KEY_PREFIX);
    opened.push(feed);
    const heard: unknown[] = [];
    let gaps = 0;
    feed.subscribe(
      ({ key, generation }) => heard.push([key, generation]),
      () => (gaps += 1),
    );
    await eventually('a subscription', () => gaps === 1);
    await feed.publish(SHOP, 7);
    await eventually('a message', () => heard.length > 0);
    expect(heard).toEqual([[identityKey(SHOP), 7]]);
  });

  it('is sent nothing twice when the connection to a node is lost, and keeps the claims of many apps on all nodes', async () => {
    const { first, second } = await RedisCluster.start(USERS);
    const connection = await connect(settingsOf(second));
    const { client } = connection;
    if (!('nodes' in client)) throw new Error('Not a cluster');
    // Its slot, 3300, is the first node's.
    const key = 'tokenbroker:{b}';
    await client.set(key, 'before');
    first.freeze();
    const lost = client.set(key, 'once').catch((error: unknown) => error);
    await new Promise(setImmediate);
    const node = client.nodes().find(({ options }) => options.port === first.port);
    node?.disconnect();
    await eventually('a lost connection', () => node?.status === 'end');
    first.thaw();
    expect(await lost).toBeInstanceOf(Error);
    expect(await eventually('an answer', () => client.get(key).catch(() => undefined))).toBe('once');
    expect(await first.call('INFO', 'commandstats')).toContain('cmdstat_set:calls=2,');

    const claimAll = async (keyPrefix: string): Promise<Set<string>> => {
      const claim = new RedisAppClaim(connection, { keyPrefix, onRefusal: () => undefined });
      const apps = Array.from({ length: 500 }, (_, index) => ({
        ...SHOP,
        host: 'h',
        appId: `wx${String(index)}`,
      }));
      const answers = await Promise.all(apps.map((app) => claim.claim(app, 60_000, { force: false })));
      return new Set(answers.map(({ kind }) => kind));
    };
    // The client connects to each node when it first has something to say to it.
    await eventually('all claims', async () => [...(await claimAll('prod:'))].join() === 'ours');
    expect(await claimAll('test:')).toEqual(new Set(['theirs']));
  }, 30_000);
});
