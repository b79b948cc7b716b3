import { setTimeout as sleep } from 'node:timers/promises';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { awaitedLater } from './support/awaited-later.js';
import { newApiKey, newApp } from './support/broker-config.js';
import type { BrokerProcess } from './support/broker-process.js';
import type { HttpAnswer } from './support/http-client.js';
import { startWorld } from './support/start-world.js';

const PROBE_PATH = '/cgi-bin/get_api_domain_ip';
const KEYS = { orders: newApiKey(), billing: newApiKey(), search: newApiKey() };

/** 20 apps for one test; the grants take turns. */
function newRuns(test: string) {
  return Array.from({ length: 20 }, (_, index) => ({
    name: `${test}-${String(index)}`,
    grant: index % 2 === 0 ? ('classic' as const) : ('stable' as const),
    ...newApp(),
  }));
}
type Run = ReturnType<typeof newRuns>[number];

const COLD_RUNS = newRuns('cold');
const REPORT_RUNS = newRuns('report');
const LATE_RUNS = newRuns('late');

describe('in each of 20 runs', () => {
  const holds = new Map<Run, string>();
  let simulator: WechatSimulator;
  let broker: BrokerProcess;

  beforeAll(async () => {
    ({ simulator, broker } = await startWorld({
      apps: [...COLD_RUNS, ...REPORT_RUNS, ...LATE_RUNS].map((run) => ({
        ...run,
        // Far longer than the test: nothing may be given up while it is held.
        refresh: { upstreamTimeoutSeconds: 60, leaseSeconds: 90 },
      })),
      keys: KEYS,
      before: (platform) => {
        for (const run of COLD_RUNS) {
          holds.set(run, platform.addFault({ appId: run.appId, holdUntilReleased: true }));
        }
      },
    }));
  }, 20_000);

  function fetches({ appId }: Run): number {
    return simulator.calls(appId).fetches;
  }

  function newestToken({ appId }: Run): string | undefined {
    return simulator.tokens({ appId }).at(-1)?.token;
  }

  async function expectServesTheNewest(run: Run): Promise<void> {
    const token = await broker.token(run.name);
    expect(simulator.verdict(token)).toEqual({ valid: true, why: 'valid', newest: true });
  }

  function report(run: Run, token: string, key?: string): Promise<HttpAnswer> {
    return broker.post('/token/refresh', { app: run.name, access_token: token, errcode: 40001 }, key);
  }

  it('100 callers at once on a cold start share one fetch', async () => {
    for (const run of COLD_RUNS) {
      const callers = Array.from({ length: 100 }, () => broker.get(`/token?app=${run.name}`));
      const asked = awaitedLater(Promise.all(callers));
      await sleep(20);
      simulator.removeFault(holds.get(run) ?? '');
      const answers = await asked;

      expect(statusesOf(answers)).toEqual([200]);
      expect(tokensOf(answers)).toEqual([newestToken(run)]);
      expect(fetches(run)).toBe(1);
      await expectServesTheNewest(run);
    }
  }, 30_000);

  it('50 callers that report the dead token at once share one probe and one fetch', async () => {
    for (const run of REPORT_RUNS) {
      const token = await broker.token(run.name);
      simulator.killToken({ appId: run.appId });
      const answers = await Promise.all(Array.from({ length: 50 }, () => report(run, token)));

      expect(statusesOf(answers)).toEqual([200]);
      expect(tokensOf(answers)).toEqual([newestToken(run)]);
      expect(probes(run)).toBe(1);
      expect(fetches(run)).toBe(2);
      await expectServesTheNewest(run);
    }
  }, 30_000);

  it('30 callers of three services that report the same dead token over a while share one fetch', async () => {
    // All of them are told by one probe.
    simulator.addFault({ path: PROBE_PATH, times: 0, delayBeforeMs: 200 });
    const keys = Object.values(KEYS);
    const runs = LATE_RUNS.map(async (run) => {
      const token = await broker.token(run.name);
      simulator.killToken({ appId: run.appId });
      const callers = Array.from({ length: 30 }, async (_, caller) => {
        await sleep(caller * 50);
        return report(run, token, keys[caller % keys.length]);
      });
      const answers = await Promise.all(callers);

      expect(statusesOf(answers)).toEqual([200]);
      expect(tokensOf(answers)).toEqual([newestToken(run)]);
      expect(fetches(run)).toBe(2);
      await expectServesTheNewest(run);
    });
    await Promise.all(runs);
  }, 30_000);

  function probes({ appId }: Run): number | undefined {
    return simulator.calls(appId).counts.find(({ path }) => path === PROBE_PATH)?.requests;
  }
});

function statusesOf(answers: readonly HttpAnswer[]): number[] {
  return [...new Set(answers.map(({ status }) => status))];
}

function tokensOf(answers: readonly HttpAnswer[]): unknown[] {
  return [...new Set(answers.map(({ body }) => body.access_token))];
}
