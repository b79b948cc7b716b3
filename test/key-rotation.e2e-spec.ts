import { randomBytes } from 'node:crypto';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

const K1 = { id: 'k1', key: randomBytes(32).toString('base64') };
const K2 = { id: 'k2', key: randomBytes(32).toString('base64') };
const APP = { name: 'shop', grant: 'classic', ...newApp() } as const;

describe('the encryption key', () => {
  it('is rotated as documented, replica by replica, without a fetch', async () => {
    const simulator = await startPlatform({ apps: [APP] });
    const redis = await RedisServer.start();
    const key = newApiKey();
    const start = async (...keys: (typeof K1)[]): Promise<BrokerProcess> => {
      const config = brokerConfig({
        apps: [{ ...APP, apiBaseUrl: simulator.url, refresh: { reconcileSeconds: 1 } }],
        keys: { orders: key },
        sections: { redis: { url: redis.url() }, encryption: { keys } },
      });
      const broker = await startBroker({ config, key });
      await broker.ready();
      return broker;
    };
    const ended: BrokerProcess[] = [];
    let replicas = [await start(K1), await start(K1)];
    const token = await replicas[0]?.token();
    for (const keys of [[K1, K2], [K2, K1], [K2]]) {
      const next: BrokerProcess[] = [];
      for (const old of replicas) {
        next.push(await start(...keys));
        await old.stop();
        ended.push(old);
      }
      replicas = next;
      for (const replica of replicas) expect(await replica.token()).toBe(token);
      // Replicas with the old key in front may have sealed last.
      await eventually(
        'sealed with the first key',
        async () => {
          const [state = ''] = await redis.client.keys('*:state');
          return (await redis.client.get(state))?.startsWith(`${keys[0]?.id ?? ''}.`);
        },
        90_000,
      );
    }
    expect(simulator.calls(APP.appId).fetches).toBe(1);
    for (const replica of [...ended, ...replicas]) expect(replica.output()).not.toContain('store.unreadable');
  }, 200_000);
});
