import { WechatSimulator } from '../src/simulator/wechat-simulator.js';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import type { HttpAnswer } from './support/http-client.js';
import { poll } from './support/poll.js';

const LIFE_SECONDS = 3;
const KEY = newApiKey();
const CLASSIC = { name: 'classic', grant: 'classic' as const, ...newApp() };
const STABLE = { name: 'stable', grant: 'stable' as const, ...newApp() };

describe('polled for three lifetimes', () => {
  const simulator = new WechatSimulator({
    apps: [CLASSIC, STABLE],
    expiresInSeconds: LIFE_SECONDS,
    graceSeconds: 1,
  });
  const answers: Record<string, HttpAnswer[]> = {};
  let broker: BrokerProcess;

  beforeAll(async () => {
    const { url: apiBaseUrl } = await simulator.start();
    const apps = [
      { ...CLASSIC, apiBaseUrl, refresh: { aheadSeconds: 1.2, jitterSeconds: 0.1 } },
      // Earlier than the platform replaces a stable token, so that the same one comes back first.
      { ...STABLE, apiBaseUrl, refresh: { aheadSeconds: 1.4 } },
    ];
    broker = await startBroker({ config: brokerConfig({ apps, keys: { orders: KEY } }), key: KEY });
    await Promise.all(
      apps.map(async ({ name }) => {
        answers[name] = await poll(() => broker.get(`/token?app=${name}`), {
          forMs: 3 * LIFE_SECONDS * 1000,
          pauseMs: 15,
        });
      }),
    );
  }, 30_000);

  afterAll(async () => {
    await broker.kill();
    await simulator.stop();
  });

  describe.each([CLASSIC, STABLE])('the $name grant', ({ name, appId }) => {
    it('always serves a token, and never one that the platform would refuse', () => {
      expect(of(name).length).toBeGreaterThan(50);
      expect(of(name).filter(({ status }) => status !== 200)).toEqual([]);
      expect(of(name).filter((answer) => !isAlive(answer))).toEqual([]);
    });

    it('serves generations that only grow, each with one value', () => {
      const generations = of(name).map(({ body }) => Number(body.generation));
      expect(generations).toEqual([...generations].sort((a, b) => a - b));
      const pairs = of(name).map(({ body }) => `${String(body.generation)} ${String(body.access_token)}`);
      expect(new Set(pairs).size).toBe(new Set(generations).size);
    });

    it('rotates ahead of each expiry', () => {
      const values = [...new Set(of(name).map(({ body }) => body.access_token))];
      expect(values.length).toBeGreaterThanOrEqual(4);
      // All that were minted were served, but for one that may have come after the last poll.
      const minted = simulator.tokens({ appId }).map(({ token }) => token);
      expect(minted.slice(0, values.length)).toEqual(values);
      expect(minted.length - values.length).toBeLessThanOrEqual(1);
    });
  });

  it('asks the platform once for each classic token', () => {
    const { fetches, minted } = simulator.calls(CLASSIC.appId);
    expect(fetches).toBe(minted);
  });

  it('asks again at most once for each stable token that came back the same', () => {
    const { fetches, minted } = simulator.calls(STABLE.appId);
    expect(fetches).toBeGreaterThan(minted);
    expect(fetches).toBeLessThanOrEqual(2 * minted);
  });

  function of(name: string): HttpAnswer[] {
    return answers[name] ?? [];
  }

  /** At some instant of the request. */
  function isAlive({ body, startedAtMs, endedAtMs }: HttpAnswer): boolean {
    const token = String(body.access_token);
    return simulator.verdict(token, startedAtMs).valid || simulator.verdict(token, endedAtMs).valid;
  }
});
