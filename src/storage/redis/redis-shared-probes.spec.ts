import { SHOP } from '../../../test/support/app-identity.js';
import { clock, connect, freshPrefix, sharedRedis } from '../../../test/support/redis-as-broker.js';
import { RedisServer } from '../../../test/support/redis-server.js';
import { StoreUnavailableError } from '../../core/errors.js';
import { sleep } from '../../core/ports/clock.js';
import type { ProbeAttempt, ProbeClaim } from '../../core/ports/shared-probes.js';
import { describeSharedProbes } from '../../core/ports/shared-probes.contract.js';
import { RedisConnection, RedisSharedProbes, TokenCipher } from './index.js';
import { probeKey } from './keys.js';

const redis = sharedRedis(RedisConnection);
const CLAIM_MS = 5000;
const TOKEN = { app: SHOP, value: 'token-17', since: 17 };

function probesOver(connection: RedisConnection, keyPrefix: string, fill = 1): RedisSharedProbes {
  const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, fill) }]);
  return new RedisSharedProbes(connection, { keyPrefix, cipher });
}

describeSharedProbes('Redis', async () => {
  const keyPrefix = freshPrefix();
  return {
    here: probesOver(redis.connection, keyPrefix),
    there: probesOver(redis.connection, keyPrefix),
    elapse: (ms) => sleep(clock, ms),
  };
});

describe('probes in Redis', () => {
  let keyPrefix: string;
  let key: string;
  beforeEach(() => {
    keyPrefix = freshPrefix();
    key = probeKey(keyPrefix, SHOP, TOKEN.since);
  });
  const claim = (fill = 1): Promise<ProbeClaim> =>
    probesOver(redis.connection, keyPrefix, fill).claim(TOKEN, CLAIM_MS);
  const ours = async (): Promise<ProbeAttempt> => {
    const claimed = await claim();
    if (claimed.kind !== 'ours') throw new Error(claimed.kind);
    return claimed.attempt;
  };
  const finished = async (): Promise<string> => {
    const attempt = await ours();
    await probesOver(redis.connection, keyPrefix).finish(attempt, true, CLAIM_MS);
    return String(await redis.server.call('GET', key));
  };

  it('end by themselves, and show no refusal to who has no encryption key', async () => {
    await ours();
    expect(Number(await redis.server.call('PTTL', key))).toBeGreaterThan(0);
    await redis.server.call('DEL', key);
    expect(await finished()).not.toContain('refused');
    expect(Number(await redis.server.call('PTTL', key))).toBeGreaterThan(0);
    expect(await claim(2)).toEqual({ kind: 'unknown' });
  });

  it('have no refusal that was moved here from another token or another attempt', async () => {
    const stored = await finished();
    const moved = probeKey(keyPrefix, SHOP, 18);
    await redis.server.call('SET', moved, stored);
    const other = { ...TOKEN, since: 18 };
    expect(await probesOver(redis.connection, keyPrefix).claim(other, CLAIM_MS)).toEqual({
      kind: 'unknown',
    });
    expect(
      await probesOver(redis.connection, keyPrefix).claim({ ...TOKEN, value: 'other' }, CLAIM_MS),
    ).toEqual({ kind: 'unknown' });
    const [phase, ends, , sealed] = stored.split(' ');
    await redis.server.call('SET', key, [phase, ends, 'another-attempt', sealed].join(' '));
    expect(await claim()).toEqual({ kind: 'unknown' });
  });

  it.each([
    ['text', ['SET', 'p soon me']],
    ['a claim without an end', ['SET', `p ${'9'.repeat(16)} me`]],
    ['bytes', ['SET', '\u0000\uffff 1 2']],
    ['another type', ['LPUSH', 'x']],
    ['megabytes', ['SET', `p 1 ${'x'.repeat(1e6)}`]],
  ] as const)('are free where there is %s that no broker wrote', async (_what, [command, value]) => {
    await redis.server.call(command, key, value);
    expect(await claim()).toMatchObject({ kind: 'ours' });
  });

  it('cannot be told while Redis is away', async () => {
    const server = await RedisServer.start();
    const connection = connect(server.url(), RedisConnection);
    await connection.ready(5000);
    const probes = probesOver(connection, keyPrefix);
    const claimed = await probes.claim(TOKEN, CLAIM_MS);
    await server.kill();
    if (claimed.kind !== 'ours') throw new Error(claimed.kind);
    await expect(probes.finish(claimed.attempt, true, CLAIM_MS)).rejects.toThrow(StoreUnavailableError);
    await expect(probes.claim(TOKEN, CLAIM_MS)).rejects.toThrow(StoreUnavailableError);
    connection.close();
  });
});
