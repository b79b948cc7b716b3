import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { prng } from './nemesis/prng.js';
import { startBroker } from './support/broker-process.js';
import { ChangingConfig, inForce, MountedConfig } from './support/changing-config.js';
import { RedisServer } from './support/redis-server.js';
import { startPlatform } from './support/start-platform.js';

/** `npm run live-changes` makes 500 of them, under load. */
const CHANGES = 6;

describe('random changes of the configuration of two replicas', () => {
  it('are each in force within 2 s, and neither refuse an unaffected caller nor fetch', async () => {
    const redis = await RedisServer.start();
    const seed = Date.now() % 2 ** 31;
    const config = new ChangingConfig(prng(seed), {
      redis: { url: redis.url() },
      encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
    });
    const platform = await startPlatform({ apps: config.accounts });
    const mounted = new MountedConfig();
    mounted.write(config.text(platform.url));
    const start = async () => {
      const broker = await startBroker({ env: { BROKER_CONFIG: mounted.path }, key: config.steadyKey });
      await broker.ready();
      return broker;
    };
    const replicas = [await start(), await start()];

    let isOver = false;
    const statuses = new Set<number>();
    const callers = replicas.map(async (broker) => {
      while (!isOver) {
        statuses.add((await broker.get('/token?app=base-0')).status);
        await sleep(20);
      }
    });
    const made: string[] = [];
    try {
      for (let change = 0; change < CHANGES; change += 1) {
        made.push(config.change());
        const text = config.text(platform.url);
        mounted.write(text);
        await inForce(text, config, replicas);
      }
    } catch (error) {
      throw new Error(`seed ${String(seed)}, after: ${made.join('; ')}`, { cause: error });
    } finally {
      isOver = true;
      await Promise.all(callers);
      mounted.remove();
    }
    expect([...statuses]).toEqual([200]);
    const fetches = config.accounts.map(({ name, appId }) => [name, platform.calls(appId).fetches] as const);
    expect(fetches.filter(([name, count]) => count > 1 || (name.startsWith('base') && count !== 1))).toEqual(
      [],
    );
  });
});
