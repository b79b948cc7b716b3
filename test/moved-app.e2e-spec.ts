import { randomBytes } from 'node:crypto';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

describe('a name that is given to another AppID', () => {
  it.each(['stable', 'classic'] as const)(
    'is never served the token or ticket of the one before: %s',
    async (grant) => {
      const [before, after] = [newApp(), newApp()];
      const simulator = await startPlatform({ apps: [before, after] });
      const redis = await RedisServer.start();
      const encryptionKey = randomBytes(32).toString('base64');
      const key = newApiKey();
      const start = async (app: typeof before): Promise<BrokerProcess> => {
        const config = brokerConfig({
          apps: [{ name: 'shop', grant, ...app, apiBaseUrl: simulator.url }],
          keys: { orders: key },
          sections: {
            redis: { url: redis.url() },
            encryption: { keys: [{ id: 'k1', key: encryptionKey }] },
          },
        });
        const broker = await startBroker({ config, key });
        await broker.ready();
        return broker;
      };
      const ticketOf = async (broker: BrokerProcess): Promise<unknown> =>
        (await broker.get('/ticket?app=shop&type=jsapi')).body.ticket;

      const first = await start(before);
      const [token, ticket] = [await first.token(), await ticketOf(first)];
      // Two environments on one Redis.
      const second = await start(after);
      const [otherToken, otherTicket] = [await second.token(), await ticketOf(second)];
      expect(simulator.tokens({ appId: after.appId }).map((one) => one.token)).toContain(otherToken);
      expect([otherToken, otherTicket]).not.toContain(token);
      expect([otherToken, otherTicket]).not.toContain(ticket);
      expect(ticket).toEqual(expect.any(String));
      expect(otherTicket).toEqual(expect.any(String));
      const lines = second.logs().filter(({ event }) => event === 'store.other_app');
      expect(lines[0]).toMatchObject({
        app: 'shop',
        app_id: after.appId,
        stored_for: `{shop}:wechat:${before.appId}:${grant}`,
      });
      expect(lines.map(({ app }) => app)).toEqual(['shop', 'shop/jsapi']);
      expect(await first.token()).toBe(token);
      for (const { appId } of [before, after]) expect(simulator.calls(appId).fetches).toBe(1);
    },
  );
});
