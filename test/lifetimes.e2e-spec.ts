import type { WechatSimulator } from '@access-token-broker/simulator';
import { newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import type { HttpAnswer } from './support/http-client.js';
import { poll } from './support/poll.js';
import { startPlatform } from './support/start-platform.js';
import { startWorld } from './support/start-world.js';

const LIFE_SECONDS = 3;
const CLASSIC = { name: 'classic', grant: 'classic' as const, ...newApp() };
/** Its broker asks long before the platform replaces a token. */
const EARLY = { name: 'early', grant: 'stable' as const, ...newApp() };
const STABLE = { name: 'stable', grant: 'stable' as const, ...newApp() };

describe('polled for three lifetimes', () => {
  const answers: Record<string, HttpAnswer[]> = {};
  let simulator: WechatSimulator;
  /** Lets its tokens live longer. */
  let patient: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    patient = await startPlatform({ apps: [EARLY], expiresInSeconds: 8, graceSeconds: 1 });
    ({ simulator, broker } = await startWorld({
      apps: [
        { ...EARLY, apiBaseUrl: patient.url },
        { ...CLASSIC, refresh: { aheadSeconds: 1.2, jitterSeconds: 0.1 } },
        // Earlier than the platform replaces a stable token, so that the same one comes back first.
        { ...STABLE, refresh: { aheadSeconds: 1.45 } },
      ],
      platform: { expiresInSeconds: LIFE_SECONDS, graceSeconds: 1 },
    }));
    await Promise.all(
      [CLASSIC, STABLE].map(async ({ name }) => {
        answers[name] = await poll(() => broker.get(`/token?app=${name}`), {
          forMs: 3 * LIFE_SECONDS * 1000,
          pauseMs: 15,
        });
      }),
    );
  }, 30_000);

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

    it('fetches no token that is not served, and each ahead of the expiry of the one before', () => {
      const minted = simulator.tokens({ appId });
      expect(minted.length).toBeGreaterThanOrEqual(4);
      for (const { token, expires_at } of minted.slice(0, -1)) {
        const served = of(name).filter(({ body }) => body.access_token === token);
        expect(served).not.toEqual([]);
        expect(Math.max(...served.map(({ endedAtMs }) => endedAtMs))).toBeLessThan(expires_at - 100);
      }
    });
  });

  it('does not loop while a stable token comes back the same', () => {
    // Asked for since half of its life, replaced in its last second: three seconds, with four ticks in each.
    const { fetches, minted } = patient.calls();
    expect(minted).toBeLessThanOrEqual(2);
    expect(fetches).toBeGreaterThanOrEqual(minted + 2);
    expect(fetches).toBeLessThanOrEqual(minted + 5);
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
