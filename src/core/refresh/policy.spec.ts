import fc from 'fast-check';
import { dayOf, nextDayAtMs, NO_COUNT } from './budgets.js';
import {
  backOffDelayMs,
  suspectReasonOf,
  reaskDelayMs,
  refreshDueAtMs,
  waitAfterFailureMs,
} from './policy.js';
import type { TokenRecord } from '../token.js';

const NOW_MS = Date.UTC(2026, 10, 21, 10);
const HOUR_MS = 3_600_000;
const BUDGET = { dailyBudget: 200, dayOffsetMs: 8 * HOUR_MS };

function record(lifeMs: number, since = 5): TokenRecord {
  return {
    generation: 5,
    base: 4,
    since,
    value: 'token',
    issuedAtMs: NOW_MS,
    expiresAtMs: NOW_MS + lifeMs,
    owner: 'me',
    reason: 'cold',
  };
}

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const durationMs = fc.double({ min: 1, max: 30 * 24 * HOUR_MS, noNaN: true });
const settings = fc.record({ aheadMs: durationMs, jitterMs: fc.oneof(fc.constant(0), durationMs) });

describe('when a token is due', () => {
  it('is never at or after its expiry and never in the first four tenths of its life', () => {
    fc.assert(
      fc.property(durationMs, settings, chance, (lifeMs, given, random) => {
        const dueInMs = refreshDueAtMs(record(lifeMs), given, random) - NOW_MS;
        expect(dueInMs).toBeLessThan(lifeMs);
        expect(dueInMs).toBeGreaterThanOrEqual(0.4 * lifeMs - 1);
      }),
    );
  });

  it('is within the jitter of the configured time', () => {
    fc.assert(
      fc.property(chance, (random) => {
        const given = { aheadMs: 270_000, jitterMs: 20_000 };
        const leftMs = record(2 * HOUR_MS).expiresAtMs - refreshDueAtMs(record(2 * HOUR_MS), given, random);
        expect(Math.abs(leftMs - 270_000)).toBeLessThanOrEqual(20_000);
      }),
    );
  });

  it('spreads over the whole jitter', () => {
    const given = { aheadMs: 270_000, jitterMs: 20_000 };
    const dueAt = (random: number): number => refreshDueAtMs(record(2 * HOUR_MS), given, random);
    expect(dueAt(0.999) - dueAt(0)).toBeGreaterThan(39_000);
  });

  it('after the same token came back, is not before the refresh window, and soon inside of it', () => {
    const given = { aheadMs: 270_000, jitterMs: 20_000 };
    const dueInMs = (lifeMs: number): number => refreshDueAtMs(record(lifeMs, 3), given, 0.5) - NOW_MS;
    expect(dueInMs(HOUR_MS)).toBe(HOUR_MS - 270_000);
    expect(dueInMs(260_000)).toBe(20_000);
    expect(dueInMs(100_000)).toBe(10_000);
  });
});

describe('asking again for a token that came back the same', () => {
  it('waits a tenth of what is left, at most 20 s and never past the end', () => {
    fc.assert(
      fc.property(durationMs, (leftMs) => {
        const delayMs = reaskDelayMs(leftMs);
        expect(delayMs).toBeGreaterThan(0);
        expect(delayMs).toBeLessThanOrEqual(Math.min(20_000, Math.max(leftMs / 10, 1000)));
        expect(delayMs).toBeLessThan(leftMs);
      }),
    );
  });

  it('takes few calls, even if the platform never changes it', () => {
    let leftMs = 300_000;
    let calls = 0;
    for (; leftMs > 250; calls += 1) leftMs -= reaskDelayMs(leftMs);
    expect(calls).toBeLessThan(60);
  });
});

describe('back-off', () => {
  it('is between 1 s and 60 s, and may reach further with every failure', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), chance, (failures, random) => {
        const delayMs = backOffDelayMs(failures, random);
        expect(delayMs).toBeGreaterThanOrEqual(1000);
        expect(delayMs).toBeLessThanOrEqual(60_000);
        expect(backOffDelayMs(failures + 1, random)).toBeGreaterThanOrEqual(delayMs);
      }),
    );
  });

  const fresh = {
    backOff: null,
    failures: 0,
    nowMs: NOW_MS,
    day: dayOf(NOW_MS, BUDGET.dayOffsetMs),
    count: { ...NO_COUNT, fetches: 1 },
    record: null,
  };

  it.each([
    ['busy', 1500],
    ['unavailable', 1500],
    ['minute_quota', 60_000],
    ['day_quota', 6 * HOUR_MS],
    ['configuration', 300_000],
  ] as const)('after a first %s lasts %d ms', (refusal, delayMs) => {
    expect(waitAfterFailureMs(refusal, fresh, BUDGET, 0.5)).toBe(delayMs);
  });

  const configuration = (lastedMs: number) =>
    ({
      class: 'configuration',
      untilMs: lastedMs,
      atMs: 0,
      errcode: 40125,
      message: '',
      credential: null,
    }) as const;

  it('after a second configuration error in a row lasts half an hour', () => {
    const after = (lastedMs: number) =>
      waitAfterFailureMs('configuration', { ...fresh, backOff: configuration(lastedMs) }, BUDGET, 0.5);
    expect(after(300_000)).toBe(1_800_000);
    expect(after(1_800_000)).toBe(1_800_000);
    // Nobody was waited for: only the other AppSecret was tried.
    expect(after(1000)).toBe(300_000);
  });

  it('after a configuration error grows while a token lives, and leaves room for one more attempt', () => {
    const after = (lastedMs: number, leftMs: number) =>
      waitAfterFailureMs(
        'configuration',
        { ...fresh, record: record(leftMs), backOff: configuration(lastedMs) },
        BUDGET,
        0.5,
      );
    expect([0, 20_000, 60_000, 300_000].map((lastedMs) => after(lastedMs, HOUR_MS))).toEqual([
      20_000, 60_000, 300_000, 1_800_000,
    ]);
    expect(after(60_000, 190_000)).toBe(180_000);
    expect(after(180_000, 10_000)).toBe(7500);
    expect(after(7500, 1000)).toBe(300_000);
  });

  it('for configuration errors of many replicas does not use up the day’s budget', () => {
    const midnightMs = nextDayAtMs(NOW_MS, BUDGET.dayOffsetMs);
    const nextMs = Array.from({ length: 5 }, () => NOW_MS);
    let fetches = 0;
    for (;;) {
      const nowMs = Math.min(...nextMs);
      if (nowMs >= midnightMs) break;
      const count = { ...NO_COUNT, fetches };
      const before = { ...fresh, nowMs, count, backOff: configuration(nowMs === NOW_MS ? 0 : 300_000) };
      nextMs[nextMs.indexOf(nowMs)] = nowMs + waitAfterFailureMs('configuration', before, BUDGET, 0.5);
      fetches += 1;
    }
    expect(fetches).toBeLessThanOrEqual(200);
  });

  it('never lets a failing platform use up the day’s budget', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 5000 }), chance, (dailyBudget, random) => {
        const midnightMs = nextDayAtMs(NOW_MS, BUDGET.dayOffsetMs);
        let nowMs = NOW_MS;
        let fetches = 0;
        while (nowMs < midnightMs && fetches <= dailyBudget) {
          const before = { ...fresh, failures: fetches, nowMs, count: { ...NO_COUNT, fetches } };
          nowMs += waitAfterFailureMs('unavailable', before, { ...BUDGET, dailyBudget }, random);
          fetches += 1;
        }
        expect(fetches).toBeLessThanOrEqual(dailyBudget);
      }),
    );
  });
});

describe('the reason why a token is suspect', () => {
  const intent = { fence: 6, atMs: NOW_MS };
  it.each([
    ['suspect', { record: record(HOUR_MS), suspect: 5, rolledBack: 4, intent: null }],
    ['rollback', { record: record(HOUR_MS), suspect: 5, rolledBack: 5, intent }],
    [null, { record: record(HOUR_MS), suspect: 4, rolledBack: 4, intent: null }],
    ['in_doubt', { record: record(HOUR_MS), suspect: 4, rolledBack: 0, intent }],
    ['suspect', { record: record(HOUR_MS), suspect: 9, rolledBack: 0, intent }],
    [null, { record: null, suspect: 9, rolledBack: 9, intent: null }],
  ] as const)('is %s', (reason, view) => {
    expect(suspectReasonOf(view)).toBe(reason);
  });
});
