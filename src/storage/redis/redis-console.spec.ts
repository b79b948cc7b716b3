import { clock, freshPrefix, sharedRedis } from '../../../test/support/redis-as-broker.js';
import { sleep } from '../../core/ports/clock.js';
import { describeHistory, historyEvent } from '../../core/ports/history.contract.js';
import { describeReplicaRegistry, replicaReport } from '../../core/ports/replica-registry.contract.js';
import { RedisConnection, RedisHistory, RedisReplicaRegistry } from './index.js';

const redis = sharedRedis(RedisConnection);
const historyAt = (keyPrefix: string) => new RedisHistory(redis.connection, keyPrefix, clock);

describeHistory('Redis', async () => {
  const keyPrefix = freshPrefix();
  return { history: historyAt(keyPrefix), there: historyAt(keyPrefix), nowMs: clock.wallMs() };
});

describeReplicaRegistry('Redis', async () => ({
  registry: new RedisReplicaRegistry(redis.connection, freshPrefix()),
  nowMs: clock.wallMs(),
  elapse: (ms) => sleep(clock, ms),
}));

describe('the history in Redis', () => {
  it('is bounded for each app, and ends by itself', async () => {
    const keyPrefix = freshPrefix();
    const history = historyAt(keyPrefix);
    const nowMs = clock.wallMs();
    for (let batch = 0; batch < 20; batch += 1) {
      await history.append(Array.from({ length: 50 }, () => historyEvent(nowMs)));
    }
    const { client } = redis.connection;
    expect((await client.xrevrange(`${keyPrefix}{shop}:history`, '+', '-')).length).toBeLessThan(700);
    const { events } = await history.page('shop', null, 1000);
    expect(events.length).toBeGreaterThanOrEqual(500);
    const admin = redis.server.url();
    const other = new RedisConnection(
      { server: { kind: 'url', url: admin }, username: null, password: null, tls: null },
      clock,
    );
    await other.ready(5000);
    const lives = [
      await other.client.pttl(`${keyPrefix}{shop}:history`),
      await other.client.pttl(`${keyPrefix}history`),
    ];
    other.close();
    for (const life of lives) expect(life).toBeGreaterThan(6.9 * 24 * 60 * 60 * 1000);
  });

  it('passes over what no broker has written', async () => {
    const keyPrefix = freshPrefix();
    const history = historyAt(keyPrefix);
    const event = historyEvent(clock.wallMs());
    const { client } = redis.connection;
    await history.append([event]);
    for (const junk of [
      '{}',
      '[]',
      'null',
      '{"id":7}',
      '{"id":"x","app":"shop","replica":"r","kind":"nothing","atMs":1}',
      '',
    ]) {
      await client.xadd(`${keyPrefix}{shop}:history`, '*', 'e', junk);
      await client.xadd(`${keyPrefix}history`, '*', 'e', junk);
    }
    expect((await history.page('shop', null, 100)).events).toEqual([event]);
    expect((await history.tail('0-0')).events).toEqual([event]);
  });
});

describe('the replicas in Redis', () => {
  it('are those that a broker has written', async () => {
    const keyPrefix = freshPrefix();
    const registry = new RedisReplicaRegistry(redis.connection, keyPrefix);
    await redis.connection.client.hset(`${keyPrefix}replicas`, {
      junk: 'no time',
      old: `1 ${JSON.stringify(replicaReport('old'))}`,
      other: `${String(clock.wallMs())} ${JSON.stringify(replicaReport('somebody-else'))}`,
      broken: `${String(clock.wallMs())} {`,
    });
    expect((await registry.beat(replicaReport('a'))).map(({ id }) => id)).toEqual(['a']);
    expect(Object.keys(await redis.connection.client.hgetall(`${keyPrefix}replicas`))).not.toContain('junk');
  });

  it('have forgotten a use after 90 days, and know none that no broker has written', async () => {
    const keyPrefix = freshPrefix();
    const registry = new RedisReplicaRegistry(redis.connection, keyPrefix);
    const { client } = redis.connection;
    const nowMs = clock.wallMs();
    await client.hset(`${keyPrefix}last-uses`, {
      'orders key 0a1b2c3d': `${String(nowMs - 91 * 24 * 60 * 60_000)} a`,
      'orders key 4e5f6a7b': `${String(nowMs - 89 * 24 * 60 * 60_000)} a`,
      'orders key 8c9d0e1f': `${String(nowMs + 3_600_000)} ahead`,
      junk: 'never',
    });
    await registry.noteUses('b', new Map([['mailer key 8c9d0e1f', nowMs]]));
    expect([...(await registry.lastUses()).keys()].sort()).toEqual([
      'mailer key 8c9d0e1f',
      'orders key 4e5f6a7b',
    ]);
    await client.set(`${keyPrefix}last-uses`, 'text');
    await registry.noteUses('b', new Map([['mailer key 8c9d0e1f', nowMs]]));
    expect((await registry.lastUses()).size).toBe(1);
    await client.hset(`${keyPrefix}last-uses`, {
      'mailer key 8c9d0e1f': `${String(nowMs + 3_600_000)} ahead`,
    });
    await registry.noteUses('b', new Map([['mailer key 8c9d0e1f', nowMs]]));
    expect((await registry.lastUses()).get('mailer key 8c9d0e1f')).toEqual({ atMs: nowMs, replica: 'b' });
  });

  it('begin anew where something else stands in their place', async () => {
    const keyPrefix = freshPrefix();
    const registry = new RedisReplicaRegistry(redis.connection, keyPrefix);
    await redis.connection.client.set(`${keyPrefix}replicas`, 'text');
    expect(await registry.beat(replicaReport('a'))).toMatchObject([{ id: 'a' }]);
  });
});
