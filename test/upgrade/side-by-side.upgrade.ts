import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from '../support/broker-config.js';
import { startBroker, type BrokerProcess } from '../support/broker-process.js';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-server.js';
import { startPlatform } from '../support/start-platform.js';
import { OLD_ACL, OLD_CHECKOUT, USER } from './version-0-1.js';

const ROTATIONS = 3;
/** A rotation every 2.5 s. The stable token is another one from 2 s before its end on. */
const LIFE = { expiresInSeconds: 4, graceSeconds: 2 };
const REFRESH = { aheadSeconds: 1.5, reconcileSeconds: 1 };
const APPS = [
  { name: 'classic', grant: 'classic', ...newApp() },
  { name: 'stable', grant: 'stable', ...newApp() },
] as const;

/** A token that the platform took neither when it was asked for nor when the answer had come. */
interface DeadRead {
  readonly app: string;
  readonly from: string;
  readonly why: string;
}

describe('replicas of 0.1 and of this version, side by side', () => {
  const key = newApiKey();
  const encryptionKey = randomBytes(32).toString('base64');
  let simulator: WechatSimulator;
  let redis: RedisServer;
  let over: AbortController;
  const running = new Map<string, BrokerProcess>();

  beforeEach(async () => {
    over = new AbortController();
    simulator = await startPlatform({ apps: [...APPS], ...LIFE });
    redis = await RedisServer.start({ users: [`${USER.name} on >${USER.password} ${OLD_ACL}`] });
  });

  afterEach(async () => {
    over.abort();
    await Promise.all([...running.keys()].map((name) => stop(name)));
  });

  const start = async (name: string, checkout?: string): Promise<void> => {
    const config = brokerConfig({
      apps: APPS.map((app) => ({ ...app, apiBaseUrl: simulator.url, refresh: REFRESH })),
      keys: { orders: key },
      sections: {
        redis: { url: redis.url(USER) },
        encryption: { keys: [{ id: 'k1', key: encryptionKey }] },
      },
    });
    const broker = await startBroker({ config, key, checkout });
    await broker.ready();
    running.set(name, broker);
  };

  const stop = async (name: string): Promise<void> => {
    const broker = running.get(name);
    running.delete(name);
    await broker?.stop();
  };

  const fetches = (): number[] => APPS.map(({ appId }) => simulator.calls(appId).fetches);

  /** Readers of all that run, until they are called off. */
  const read = (): (() => Promise<{ reads: number; dead: DeadRead[] }>) => {
    const dead: DeadRead[] = [];
    let reads = 0;
    const readAll = async (): Promise<void> => {
      while (!over.signal.aborted) {
        for (const [from, broker] of running) {
          for (const { name } of APPS) {
            const askedAtMs = Date.now();
            const token = await broker.token(name);
            reads += 1;
            const verdict = simulator.verdict(token, askedAtMs);
            // Asked for before it was issued: what it is now decides.
            const { valid, why } = verdict.why === 'not_yet_issued' ? simulator.verdict(token) : verdict;
            if (!valid) dead.push({ app: name, from, why });
          }
        }
        await sleep(20);
      }
    };
    const reading = readAll();
    return async () => {
      over.abort();
      await reading;
      return { reads, dead };
    };
  };

  /** Until every replica serves what the `rotations`-th rotation from now brought, with one fetch for each. */
  const rotate = async (rotations: number): Promise<void> => {
    const before = fetches();
    for (let rotation = 1; rotation <= rotations; rotation += 1) {
      await eventually(`rotation ${String(rotation)} at all replicas`, async () => {
        const newest = APPS.map(({ appId }) => simulator.tokens({ appId }).at(-1)?.token);
        if (!fetches().every((count, at) => count >= (before[at] ?? 0) + rotation)) return false;
        const served = await Promise.all(
          [...running.values()].map((broker) => Promise.all(APPS.map(({ name }) => broker.token(name)))),
        );
        return served.every((tokens) => tokens.every((token, at) => token === newest[at]));
      });
      expect(fetches()).toEqual(before.map((count) => count + rotation));
    }
  };

  it('rotate with one fetch for all and serve no dead token: 0.1 runs, this version joins, 0.1 leaves', async () => {
    await start('old', OLD_CHECKOUT);
    const stopReading = read();
    await start('new');
    await rotate(ROTATIONS);
    await stop('old');
    await rotate(1);
    const { reads, dead } = await stopReading();
    expect(dead).toEqual([]);
    expect(reads).toBeGreaterThan(500);
  });

  it('rotate with one fetch for all and serve no dead token: this version runs, 0.1 joins again, this version leaves', async () => {
    await start('first', OLD_CHECKOUT);
    await stop('first');
    await start('new');
    const stopReading = read();
    await start('old', OLD_CHECKOUT);
    await rotate(ROTATIONS);
    await stop('new');
    await rotate(1);
    const { reads, dead } = await stopReading();
    expect(dead).toEqual([]);
    expect(reads).toBeGreaterThan(500);
  });
});
