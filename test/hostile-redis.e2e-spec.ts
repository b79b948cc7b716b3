import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

const DAY_MS = 24 * 60 * 60 * 1000;
const CANARY = 'call-this-number';
const APP = { name: 'shop', grant: 'classic', ...newApp() } as const;
const HUGE = ['9007199254740991', '9007199254740989', '-1', '1e300', 'nan', '0'];

/** Fields of version 0.1, which anybody can write, in any mixture. */
const hash = fc.dictionary(
  fc.constantFrom(
    ...['generation', 'base', 'since', 'value', 'issued_at', 'expires_at', 'owner', 'reason', 'suspect'],
    ...['rolled_back', 'intent', 'intent_at', 'in_doubt', 'began_at', 'day', 'fetches', 'forced', 'failures'],
    ...['wait_at', 'wait_until', 'wait_class', 'wait_why'],
  ),
  fc.oneof(
    fc.constantFrom(...HUGE, CANARY, `{"errcode":1,"message":"${CANARY}"}`),
    fc.maxSafeInteger().map(String),
    fc.string({ unit: 'binary', maxLength: 40 }),
  ),
  { minKeys: 1 },
);

/** What somebody with redis-cli does to one key of the broker. */
const act = fc.oneof(
  fc.record({ do: fc.constant('hash' as const), fields: hash, isLegacy: fc.boolean() }),
  fc.record({
    do: fc.constant('set' as const),
    key: fc.constantFrom('state', 'owner', 'lease', 'legacy fence'),
    text: fc.oneof(
      fc.constantFrom(...HUGE, '', CANARY, `k1.${'A'.repeat(200)}`),
      fc.string({ unit: 'binary' }),
    ),
  }),
  fc.record({ do: fc.constantFrom('delete', 'replay', 'publish') }),
);

describe('somebody who writes to Redis', () => {
  it('can put anything there: no process ends, no answer is a 5xx but 503, and nothing of it is shown', async () => {
    const simulator = await startPlatform({ apps: [APP] });
    const redis = await RedisServer.start();
    const key = newApiKey();
    const config = brokerConfig({
      apps: [{ ...APP, apiBaseUrl: simulator.url, refresh: { reconcileSeconds: 1 } }],
      keys: { orders: key },
      sections: {
        redis: { url: redis.url() },
        encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
      },
    });
    const start = async (): Promise<BrokerProcess> => startBroker({ config, key });
    let broker = await start();
    await broker.ready();
    const keys = {
      state: `tokenbroker:{shop}:wechat:${APP.appId}:classic:state`,
      owner: 'tokenbroker:{shop}:owner',
      lease: `tokenbroker:{shop}:wechat:${APP.appId}:classic:lease`,
      'legacy state': 'tokenbroker:{shop}:state',
      'legacy fence': 'tokenbroker:{shop}:fence',
    } as const;
    const sealed = String(await redis.call('GET', keys.state));

    const look = async (): Promise<void> => {
      for (const path of ['/token?app=shop', '/apps', '/health/ready', '/metrics']) {
        const { status, text } = await broker.get(path);
        expect([200, 404, 503]).toContain(status);
        expect(text).not.toContain(CANARY);
      }
      const { body } = await broker.get('/token?app=shop');
      if (typeof body.generation === 'number') {
        expect(body.generation).toBeLessThanOrEqual(Date.now() + DAY_MS);
        expect(Number(body.expires_in)).toBeLessThanOrEqual(7200);
        expect(simulator.verdict(String(body.access_token)).valid).toBe(true);
      }
      expect(broker.process.isRunning).toBe(true);
    };
    const deed = async (one: typeof act extends fc.Arbitrary<infer Act> ? Act : never): Promise<void> => {
      if (one.do === 'hash') {
        const target = one.isLegacy ? keys['legacy state'] : keys.state;
        // Over the fields that are there: the sealed token may still be right. In one step, because the broker writes, too.
        const script = "redis.call('DEL', KEYS[1], KEYS[2]) redis.call('HSET', KEYS[3], unpack(ARGV))";
        const removed = [keys.state, one.isLegacy ? keys.owner : keys.state];
        await redis.call('EVAL', script, '3', ...removed, target, ...Object.entries(one.fields).flat());
      } else if (one.do === 'set') await redis.call('SET', keys[one.key as keyof typeof keys], one.text);
      else if (one.do === 'delete') await redis.call('DEL', ...Object.values(keys));
      else if (one.do === 'replay') await redis.call('SET', keys.state, sealed);
      else {
        const message = { app: CANARY, key: `{shop}:wechat:${APP.appId}:classic`, generation: 2 ** 53 };
        await redis.call('PUBLISH', 'tokenbroker:rotations', JSON.stringify(message));
      }
    };

    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 4 }), async (acts) => {
        runs += 1;
        // What is there when a process starts is looked at by other code than what comes later.
        const isAtStart = runs % 8 === 0;
        if (isAtStart) expect(await broker.stop()).toBe(0);
        for (const one of acts) await deed(one);
        if (isAtStart) broker = await start();
        await broker.post('/token/refresh', { app: 'shop', generation: 1 });
        await look();
        // Who may write there can always hold the lease for ever. Callers then wait, and the test would for an hour.
        await redis.call('DEL', keys.lease);
      }),
      { numRuns: 40, endOnFailure: true },
    );
    await eventually('a token at the end', async () => (await broker.get('/token?app=shop')).status === 200);
    await look();
    expect(broker.output()).not.toContain('process.crashed');
    expect(simulator.calls(APP.appId).fetches).toBeLessThanOrEqual(200);
  }, 150_000);
});
