import type { RedisConnection } from '../../src/storage/redis/index.js';
import { RedisTokenStore, TokenCipher, type RedisRefreshLease } from '../../src/storage/redis/index.js';
import { SystemClock } from '../../src/core/system-clock.js';
import type { BeginRequest, FetchPermit } from '../../src/core/ports/token-store.js';
import { MINIMAL_ACL } from './minimal-acl.js';
import { SHOP } from './app-identity.js';
import { RedisServer } from './redis-server.js';
import type { ShiftedClock } from './shifted-clock.js';

/** The only user of the server, beside the default one: what the documentation gives to a broker. */
export const USER = { name: 'broker', password: 'broker-password' };
export const clock = new SystemClock();
const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
let prefixes = 0;

/** One server for a test file, on this clock, and one connection to it; both are there from its first test on. */
export function sharedRedis<Connection extends RedisConnection>(
  Kind: Parameters<typeof connect<Connection>>[1],
  { env = {} }: Partial<Pick<ShiftedClock, 'env'>> = {},
): { readonly server: RedisServer; readonly connection: Connection } {
  const shared = {} as { server: RedisServer; connection: Connection };
  beforeAll(async () => {
    const users = [`${USER.name} on >${USER.password} ${MINIMAL_ACL}`];
    shared.server = await RedisServer.start({ users, env });
    shared.connection = connect(shared.server.url(USER), Kind);
    await shared.connection.ready(5000);
  });
  afterAll(() => {
    shared.connection.close();
  });
  return shared;
}

/** To be closed by whoever asked. */
export function connect<Connection extends RedisConnection>(
  url: string,
  Kind: new (...args: ConstructorParameters<typeof RedisConnection>) => Connection,
): Connection {
  return new Kind({ server: { kind: 'url', url }, username: null, password: null, tls: null }, clock);
}

/** A prefix of its own for every test, which the user may use. */
export function freshPrefix(): string {
  prefixes += 1;
  return `tokenbroker:test-${String(prefixes)}:`;
}

export function storeOver(connection: RedisConnection, keyPrefix: string): RedisTokenStore {
  return new RedisTokenStore(connection, {
    keyPrefix,
    cipher,
    onUnreadable: () => undefined,
    onOtherOwner: () => undefined,
  });
}

/** Of a fetch that nothing stored holds up. */
export const BEGIN: Omit<BeginRequest, 'lease'> = {
  charge: null,
  credential: null,
  seenGeneration: Number.MAX_SAFE_INTEGER,
  highestKnown: 0,
  ignoreBackOff: 'all',
  budget: { daily: 999, forcedDaily: 9, dayOffsetMs: 0 },
  leaseMs: 1000,
};

/** The right to one fetch, whatever is stored already. */
export async function granted(
  store: RedisTokenStore,
  lease: RedisRefreshLease,
  app = SHOP,
): Promise<FetchPermit> {
  const acquired = await lease.acquire(app, 10_000);
  if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
  const begun = await store.begin(app, { ...BEGIN, lease: acquired.lease });
  await lease.release(acquired.lease);
  if (begun.kind !== 'granted') throw new Error(begun.kind);
  return begun.permit;
}
