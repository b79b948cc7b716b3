import { randomBytes } from 'node:crypto';
import { brokerConfig, gatewayClient, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import { request } from './support/http-client.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

const K1 = { id: 'k1', key: randomBytes(32).toString('base64') };
const K2 = { id: 'k2', key: randomBytes(32).toString('base64') };
const APP = { name: 'shop', grant: 'classic', ...newApp() } as const;
const USER = '/cgi-bin/user/info';
const SDK_KEY = newApiKey();

async function virtualToken(replica: BrokerProcess): Promise<string> {
  const asked = { grant_type: 'client_credential', appid: APP.appId, secret: SDK_KEY };
  const { body } = await request(`${replica.url}/cgi-bin/stable_token`, { method: 'POST', body: asked });
  const { access_token: token } = body as { access_token: string };
  expect(token).toMatch(/^tbv_/);
  return token;
}

/** What a call with the virtual token says; null: the user that it asks for. */
async function refusalOf(virtual: string, replica: BrokerProcess): Promise<number | null> {
  const { body } = await request(`${replica.url}${USER}?openid=o-1&access_token=${virtual}`);
  const { openid, errcode } = body as { openid?: string; errcode?: number };
  return openid === 'o-1' ? null : (errcode ?? NaN);
}

describe('the encryption key', () => {
  it('is rotated as documented, replica by replica, without a fetch, and virtual tokens live as long as the key that sealed them', async () => {
    const simulator = await startPlatform({ apps: [APP] });
    const redis = await RedisServer.start();
    const key = newApiKey();
    const start = async (...keys: (typeof K1)[]): Promise<BrokerProcess> => {
      const config = brokerConfig({
        apps: [{ ...APP, apiBaseUrl: simulator.url, refresh: { reconcileSeconds: 1 } }],
        keys: { orders: key },
        clients: [
          gatewayClient('sdk', SDK_KEY, [`GET ${USER}`], {
            virtualTokens: true,
            scopes: ['gateway', 'token:read'],
          }),
        ],
        sections: { redis: { url: redis.url() }, encryption: { keys } },
      });
      const broker = await startBroker({ config, key });
      await broker.ready();
      return broker;
    };
    const ended: BrokerProcess[] = [];
    const first = await start(K1);
    let replicas = [first, await start(K1)];
    const token = await first.token();
    const sealedByOldKey = await virtualToken(first);
    for (const keys of [[K1, K2], [K2, K1], [K2]]) {
      const next: BrokerProcess[] = [];
      for (const old of replicas) {
        const started = await start(...keys);
        next.push(started);
        for (const giver of [old, started]) {
          const virtual = await virtualToken(giver);
          for (const replica of [old, started]) expect(await refusalOf(virtual, replica)).toBeNull();
        }
        expect(await refusalOf(sealedByOldKey, started)).toBe(keys.includes(K1) ? null : 40014);
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
