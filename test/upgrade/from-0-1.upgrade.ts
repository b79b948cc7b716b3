import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from '../support/broker-config.js';
import { startBroker, type BrokerProcess } from '../support/broker-process.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { startPlatform } from '../support/start-platform.js';
import { OLD_ACL, OLD_CHECKOUT, USER } from './version-0-1.js';

const APPS = [
  { name: 'classic', grant: 'classic', ...newApp() },
  { name: 'stable', grant: 'stable', ...newApp() },
] as const;
/** The same names after somebody gave them to other accounts. */
const MOVED = APPS.map(({ name, grant }) => ({ name, grant, ...newApp() }));

describe('an upgrade from version 0.1', () => {
  const key = newApiKey();
  let simulator: WechatSimulator;
  let redis: RedisServer;
  const encryptionKey = randomBytes(32).toString('base64');

  beforeEach(async () => {
    simulator = await startPlatform({ apps: [...APPS, ...MOVED], graceSeconds: 5 });
    redis = await RedisServer.start({ users: [`${USER.name} on >${USER.password} ${OLD_ACL}`] });
  });

  const configOf = (apps: readonly (typeof MOVED)[number][]): object =>
    brokerConfig({
      apps: apps.map((app) => ({ ...app, apiBaseUrl: simulator.url, refresh: { reconcileSeconds: 1 } })),
      keys: { orders: key },
      sections: {
        redis: { url: redis.url(USER) },
        encryption: { keys: [{ id: 'k1', key: encryptionKey }] },
      },
    });

  const start = async (checkout?: string): Promise<BrokerProcess> => {
    const broker = await startBroker({ config: configOf(APPS), key, checkout });
    await broker.ready();
    return broker;
  };
  const startOld = (): Promise<BrokerProcess> => start(OLD_CHECKOUT);
  const fetches = (): number[] => APPS.map(({ appId }) => simulator.calls(appId).fetches);
  const tokensOf = (broker: BrokerProcess): Promise<string[]> =>
    Promise.all(APPS.map(({ name }) => broker.token(name)));

  /** Asks all that run for all tokens, until it is called off; returns how many were asked and which were dead. */
  const watch = (running: Set<BrokerProcess>): (() => Promise<{ asked: number; dead: string[] }>) => {
    const dead: string[] = [];
    let asked = 0;
    const stop = new AbortController();
    const watching = (async () => {
      while (!stop.signal.aborted) {
        for (const broker of running) {
          for (const { name, appId } of APPS) {
            const token = await broker.token(name).catch(() => null);
            const isAlive = simulator
              .tokens({ appId })
              .some((one) => one.token === token && one.death === null);
            asked += token === null ? 0 : 1;
            if (token !== null && !isAlive) dead.push(token);
          }
        }
        await sleep(20);
      }
    })();
    return async () => {
      stop.abort();
      await watching;
      return { asked, dead };
    };
  };

  it('replaces the replicas one by one with one fetch in all, and serves no dead token', async () => {
    const before = [await startOld(), await startOld()];
    const [first] = before;
    if (!first) throw new Error('There is no replica');
    const tokens = await tokensOf(first);
    const running = new Set(before);
    const stopWatching = watch(running);
    for (const old of before) {
      running.delete(old);
      expect(await old.stop()).toBe(0);
      const next = await start();
      running.add(next);
      expect(await tokensOf(next)).toEqual(tokens);
    }
    const { asked, dead } = await stopWatching();
    expect(asked).toBeGreaterThan(10);
    expect(dead).toEqual([]);
    expect(fetches()).toEqual([1, 1]);
    for (const replica of running) {
      const { text } = await replica.get('/apps');
      expect(JSON.parse(text)).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
    }
  });

  it('has replicas of 0.1 that still run take over what a new one fetches, and serves it after the way back', async () => {
    const old = await startOld();
    const next = await start();
    for (const { name } of APPS) {
      expect((await next.post('/token/refresh', { app: name, force: true })).status).toBe(200);
    }
    const tokens = await tokensOf(next);
    await eventually('the new tokens at the old replica', async () =>
      (await tokensOf(old)).every((token, index) => token === tokens[index]),
    );
    await Promise.all([next.stop(), old.stop()]);
    const back = await startOld();
    expect(await tokensOf(back)).toEqual(tokens);
    // Nothing is in doubt at 0.1 either, which would lead to a fetch two lease times later.
    const { text } = await back.get('/apps');
    expect(JSON.parse(text)).toMatchObject([{ state: 'ok' }, { state: 'ok' }]);
    expect(fetches()).toEqual([2, 2]);
  });

  it('serves no token of 0.1 that died while nothing ran', async () => {
    const old = await startOld();
    const tokens = await tokensOf(old);
    await old.stop();
    for (const { appId, grant } of APPS) simulator.killToken({ appId, family: grant });
    const next = await start();
    const after = await tokensOf(next);
    for (const token of tokens) expect(after).not.toContain(token);
    expect(fetches()).toEqual([2, 2]);
  });

  it('gives a token of 0.1 to the AppID that took it over, and to no other under that name', async () => {
    const old = await startOld();
    const tokens = await tokensOf(old);
    await old.stop();
    await (await start()).stop();
    const moved = await startBroker({ config: configOf(MOVED), key });
    await moved.ready();
    for (const token of await Promise.all(MOVED.map(({ name }) => moved.token(name)))) {
      expect(tokens).not.toContain(token);
    }
    const lines = moved.logs().filter(({ event }) => event === 'store.other_app');
    expect(lines).toMatchObject(
      MOVED.map(({ name, appId }, index) => ({
        app: name,
        app_id: appId,
        stored_for: expect.stringContaining(APPS[index]?.appId ?? 'none') as string,
      })),
    );
  });
});
