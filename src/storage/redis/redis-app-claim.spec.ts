import { hash } from 'node:crypto';
import { connect, freshPrefix, sharedRedis, USER } from '../../../test/support/redis-as-broker.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { ShiftedClock } from '../../../test/support/shifted-clock.js';
import { describeAppClaim } from '../../core/ports/app-claim.contract.js';
import { CLAIM_GROUPS, type ClaimAnswer, type ClaimedApp } from '../../core/ports/app-claim.js';
import { StoreUnavailableError } from '../../core/errors.js';
import { MINIMAL_ACL } from '../../../test/support/minimal-acl.js';
import { RedisAppClaim, RedisConnection } from './index.js';

const time = new ShiftedClock();
const redis = sharedRedis(RedisConnection, time);

const claimOf = (
  connection: RedisConnection,
  keyPrefix: string,
  onRefusal: (refusal: StoreUnavailableError | null) => void = () => undefined,
): RedisAppClaim => new RedisAppClaim(connection, { keyPrefix, onRefusal });

describeAppClaim('Redis', async () => {
  await redis.server.call('FLUSHALL');
  return {
    here: claimOf(redis.connection, 'tokenbroker:here:'),
    sibling: claimOf(redis.connection, 'tokenbroker:here:'),
    there: claimOf(redis.connection, 'tokenbroker:there:'),
    holder: 'tokenbroker:here:{shop}',
    elapse: (ms) => time.advance(ms),
  };
});

describe('a claim in Redis', () => {
  const APP: ClaimedApp = { name: 'shop', provider: 'fake', host: 'api.example.com', appId: 'wx1' };
  const KEY_HASH = hash('sha256', '["fake","api.example.com","wx1"]');
  const KEY = `tokenbroker:claim:{${String(parseInt(KEY_HASH.slice(0, 2), 16) % CLAIM_GROUPS)}}:${KEY_HASH}`;
  const CLAIM_MS = 60_000;
  const claim = (by: RedisAppClaim): Promise<ClaimAnswer> => by.claim(APP, CLAIM_MS, { force: false });
  /** What somebody who writes to Redis puts there, to run out in so many milliseconds of its clock. */
  const forge = async (leftMs: number, holder: string): Promise<void> => {
    await redis.server.call('SET', KEY, `${String(Date.now() + leftMs)} ${holder}`);
  };
  const scriptsRun = async (): Promise<number> => {
    const stats = String(await redis.server.call('INFO', 'commandstats'));
    const counts = [...stats.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].map(([, calls]) => Number(calls));
    return counts.reduce((sum, calls) => sum + calls, 0);
  };
  const here = (): RedisAppClaim => claimOf(redis.connection, freshPrefix());

  beforeEach(async () => {
    time.shift(0);
    await redis.server.call('FLUSHALL');
  });

  it('is one key outside of every prefix, and leaves nothing behind', async () => {
    await claim(claimOf(redis.connection, 'tokenbroker:prod:'));
    expect(await redis.server.call('KEYS', '*')).toEqual([KEY]);
    expect(Number(await redis.server.call('PTTL', KEY))).toBeGreaterThan(0);
  });

  it('costs a command for each group, whatever the number of apps', async () => {
    const before = await scriptsRun();
    const by = here();
    const apps = Array.from({ length: 5000 }, (_, index) => ({ ...APP, appId: `wx${String(index)}` }));
    const answers = await Promise.all(apps.map((app) => by.claim(app, CLAIM_MS, { force: false })));
    expect(answers.filter(({ kind }) => kind === 'ours')).toHaveLength(5000);
    expect((await scriptsRun()) - before).toBeLessThanOrEqual(CLAIM_GROUPS + 1);
    expect(await redis.server.call('DBSIZE')).toBe(5000);
  });

  it('is not kept by a key that never expires, as somebody may write', async () => {
    await forge(-1, 'forged{shop}');
    expect(await claim(here())).toEqual({ kind: 'ours' });
    expect(Number(await redis.server.call('PTTL', KEY))).toBeGreaterThan(0);
  });

  it('is not kept for longer than twice its time, whatever was written', async () => {
    await forge(2 * CLAIM_MS + 10_000, 'forged{shop}');
    expect(await claim(here())).toEqual({ kind: 'ours' });
    await redis.server.call('SET', KEY, `${'9'.repeat(400)} forged{shop}`);
    expect(await claim(here())).toEqual({ kind: 'ours' });
  });

  it.each([
    ['text', ['SET', KEY, 'call this number']],
    ['nothing', ['SET', KEY, '']],
    ['bytes', ['SET', KEY, '\u0000\uffff 1 2']],
    ['another type', ['LPUSH', KEY, 'x']],
    ['megabytes', ['SET', KEY, `1 ${'x'.repeat(1e6)}`]],
  ] as const)('is free where there is %s that no broker wrote', async (_what, [command, ...args]) => {
    await redis.server.call(command, ...args);
    expect(await claim(here())).toEqual({ kind: 'ours' });
  });

  it('shows of a forged holder a short word at most', async () => {
    await forge(CLAIM_MS, `<b>call</b> +49 123\n${'x'.repeat(5000)}`);
    const answer = await claim(here());
    if (answer.kind !== 'theirs') throw new Error(answer.kind);
    expect(answer.holder).toMatch(/^bcallb49123x+$/);
    expect(answer.holder).toHaveLength(130);
    await forge(CLAIM_MS, '呼叫');
    expect(await claim(here())).toEqual({ kind: 'theirs', holder: 'unknown' });
  });

  it('cannot be told while Redis is away, and says nothing of it: the store does', async () => {
    const server = await RedisServer.start();
    const connection = connect(server.url(), RedisConnection);
    await connection.ready(5000);
    const refusals: unknown[] = [];
    await server.kill();
    const answer = await claim(claimOf(connection, 'tokenbroker:', (refusal) => refusals.push(refusal)));
    connection.close();
    expect(answer).toMatchObject({ kind: 'unavailable', cause: expect.any(StoreUnavailableError) as Error });
    expect(refusals).toEqual([]);
  });

  it('is not to be had where the user may not use its key: said once, and once when it may', async () => {
    const acl = MINIMAL_ACL.replace('~tokenbroker:*', '~prod:*');
    const server = await RedisServer.start({ users: [`${USER.name} on >${USER.password} ${acl}`] });
    const connection = connect(server.url(USER), RedisConnection);
    await connection.ready(5000);
    const refusals: (string | undefined)[] = [];
    const here = claimOf(connection, 'prod:', (refusal) => refusals.push(refusal?.message));
    expect(await claim(here)).toEqual({ kind: 'unsupported' });
    expect(await claim(here)).toEqual({ kind: 'unsupported' });
    expect(refusals).toEqual([expect.stringContaining('NOPERM')]);
    await server.call('ACL', 'SETUSER', USER.name, '~tokenbroker:claim:*');
    expect(await claim(here)).toEqual({ kind: 'ours' });
    expect(await claim(here)).toEqual({ kind: 'ours' });
    expect(refusals).toEqual([expect.any(String), undefined]);
    connection.close();
  });
});
