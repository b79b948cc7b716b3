import { randomBytes } from 'node:crypto';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import type { HttpAnswer } from './support/http-client.js';
import { poll } from './support/poll.js';
import { RedisServer } from './support/redis-server.js';
import { ShiftedClock } from './support/shifted-clock.js';
import { startPlatform } from './support/start-platform.js';

const APP = newApp();
const LIFE_SECONDS = 4;
const CLAIM_SECONDS = 60;

describe('three brokers that fetch for one AppID with the classic grant', () => {
  let simulator: WechatSimulator;
  let redis: RedisServer;
  const clock = new ShiftedClock();
  let holder: BrokerProcess;
  let others: Readonly<Record<'other prefix' | 'other name', BrokerProcess>>;
  let served: HttpAnswer[];
  /** Of all three, while the first one was asked. */
  let fetches: number;

  beforeAll(async () => {
    simulator = await startPlatform({ apps: [APP], expiresInSeconds: LIFE_SECONDS, graceSeconds: 1 });
    redis = await RedisServer.start({ env: clock.env });
    const start = async (keyPrefix: string, name: string): Promise<BrokerProcess> => {
      const key = newApiKey();
      const config = brokerConfig({
        apps: [{ ...APP, name, apiBaseUrl: simulator.url, refresh: { aheadSeconds: 1.5 } }],
        keys: { orders: key },
        sections: {
          redis: { url: redis.url(), keyPrefix },
          encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
        },
      });
      const broker = await startBroker({ config, key });
      await broker.ready();
      return broker;
    };
    holder = await start('prod:', 'shop');
    others = {
      'other prefix': await start('test:', 'shop'),
      'other name': await start('prod:', 'store'),
    };
    const before = simulator.calls(APP.appId).fetches;
    served = await poll(
      async () => {
        await Promise.all(Object.values(others).map((broker) => broker.get('/token')));
        return holder.get('/token');
      },
      { forMs: 3 * LIFE_SECONDS * 1000, pauseMs: 20 },
    );
    fetches = simulator.calls(APP.appId).fetches - before;
  }, 90_000);

  it('share it: the first one fetches, and its callers get no dead token in three lifetimes', () => {
    expect(served.length).toBeGreaterThan(50);
    expect(served.filter(({ status }) => status !== 200)).toEqual([]);
    const isDead = ({ body, startedAtMs, endedAtMs }: HttpAnswer): boolean =>
      [startedAtMs, endedAtMs].every((atMs) => !simulator.verdict(String(body.access_token), atMs).valid);
    expect(served.filter(isDead)).toEqual([]);
    const tokens = new Set(served.map(({ body }) => body.access_token));
    expect(tokens.size).toBeGreaterThanOrEqual(4);
    expect(fetches).toBeLessThanOrEqual(tokens.size);
  });

  it.each(['other prefix', 'other name'] as const)(
    'say who holds it, and what to do: the one with the %s',
    async (which) => {
      const broker = others[which];
      const { status, body, headers } = await broker.get('/token');
      expect([status, body.code]).toEqual([503, 'held_elsewhere']);
      expect(body.detail).toMatch(/another broker on this Redis, prod:\{shop\}, .* Or stop it/);
      expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(10);
      const { text } = await broker.get('/apps');
      expect(JSON.parse(text)).toMatchObject([
        { state: 'pending', last_error: { message: expect.stringContaining('prod:{shop}') as string } },
      ]);
      const lines = broker.logs().filter(({ event }) => event === 'claim.refused');
      expect(lines).toMatchObject([{ level: 'error', holder: 'prod:{shop}' }]);
    },
  );

  it('are succeeded by one of the others when the first one is killed', async () => {
    await holder.kill();
    clock.shift(CLAIM_SECONDS + 1);
    const next = await eventually(
      'a token of another broker',
      async () => {
        for (const broker of Object.values(others)) {
          if ((await broker.get('/token')).status === 200) return broker;
        }
        return undefined;
      },
      30_000,
    );
    expect(simulator.verdict(await next.token()).valid).toBe(true);
    expect(next.logs().filter(({ event }) => event === 'claim.won')).toMatchObject([
      { holder: 'prod:{shop}' },
    ]);
    const [last] = Object.values(others).filter((broker) => broker !== next);
    await eventually('the name of the new holder', async () => {
      const { code, detail } = (await last?.get('/token'))?.body ?? {};
      return code === 'held_elsewhere' && !String(detail).includes('prod:{shop}');
    });
  }, 60_000);
});
