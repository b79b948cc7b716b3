import fc from 'fast-check';
import { cacheableMs, refreshDueAtMs } from './policy.js';
import type { TokenRecord } from '../token.js';

const SECOND_MS = 1000;
const GRACE_MS = 300 * SECOND_MS;

function record(lifeMs: number, isSameAgain = false): TokenRecord {
  return {
    generation: 2,
    base: 1,
    since: isSameAgain ? 1 : 2,
    value: '83_v',
    issuedAtMs: 0,
    expiresAtMs: lifeMs,
    owner: 'replica-1',
    reason: 'scheduled',
  };
}

/** Of two hours, with the settings of the configuration. */
function seconds(ageSeconds: number, grant: 'classic' | 'stable', isSuspect = false): number {
  const refresh = { aheadMs: (grant === 'classic' ? 900 : 270) * SECOND_MS, jitterMs: 20 * SECOND_MS };
  const leftMs = (7200 - ageSeconds) * SECOND_MS;
  const graceMs = grant === 'classic' ? GRACE_MS : Infinity;
  const token = { record: record(7200 * SECOND_MS), leftMs, refresh, graceMs, isSuspect };
  return cacheableMs(token) / SECOND_MS;
}

describe('cacheableMs', () => {
  it.each<[string, number, 'classic' | 'stable', number]>([
    ['fresh: 7200 - 900 - 20 + 300 - 30', 0, 'classic', 6550],
    ['an hour old', 3600, 'classic', 2950],
    ['at the earliest rotation: the overlap, less the margin', 6280, 'classic', 270],
    ['about to be rotated', 6320, 'classic', 270],
    ['not rotated in spite of everything', 7100, 'classic', 90],
    ['fresh: to its end, less the margin', 0, 'stable', 7170],
    ['due: the one before lives on beside the next', 6930, 'stable', 243],
    ['at its end', 7190, 'stable', 9],
  ])('%s', (_, age, grant, expected) => {
    expect(seconds(age, grant)).toBeCloseTo(expected, 6);
  });

  it('promises a suspect token no longer than an overlap', () => {
    expect(seconds(0, 'classic', true)).toBe(270);
    expect(seconds(0, 'stable', true)).toBe(270);
  });

  const tokens = fc
    .record({
      lifeMs: fc.integer({ min: 1000, max: 30 * 24 * 3600 * SECOND_MS }),
      age: fc.double({ min: 0, max: 0.999, noNaN: true }),
      aheadMs: fc.integer({ min: 1, max: 10_000 * SECOND_MS }),
      jitterMs: fc.integer({ min: 0, max: 1000 * SECOND_MS }),
      isSameAgain: fc.boolean(),
      isSuspect: fc.boolean(),
      graceMs: fc.constantFrom(GRACE_MS, Infinity),
    })
    .map(({ lifeMs, age, aheadMs, jitterMs, isSameAgain, ...rest }) => ({
      record: record(lifeMs, isSameAgain),
      leftMs: lifeMs * (1 - age),
      refresh: { aheadMs, jitterMs },
      ...rest,
    }));

  it('is above 0 and within the life of the token', () => {
    fc.assert(
      fc.property(tokens, (token) => {
        const ms = cacheableMs(token);
        expect(ms).toBeGreaterThan(0);
        expect(ms).toBeLessThan(token.leftMs);
      }),
    );
  });

  it('is over before the old token is, whenever the planned rotation happens', () => {
    fc.assert(
      fc.property(
        tokens,
        fc.double({ min: 0, max: 0.999_999, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (token, random, delay) => {
          const { expiresAtMs } = token.record;
          const nowMs = expiresAtMs - token.leftMs;
          const dueAtMs = Math.max(nowMs, refreshDueAtMs(token.record, token.refresh, random));
          const rotatedAtMs = dueAtMs + delay * Math.max(0, expiresAtMs - dueAtMs);
          const overlapMs = Math.min(300 * SECOND_MS, expiresAtMs / 24);
          const deadAtMs =
            token.graceMs < Infinity ? Math.min(expiresAtMs, rotatedAtMs + overlapMs) : expiresAtMs;
          expect(nowMs + cacheableMs(token)).toBeLessThan(deadAtMs);
        },
      ),
    );
  });

  it('gives a caller that keeps each token for all of that time none that is dead', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 0.999_999, noNaN: true }), { minLength: 5, maxLength: 5 }),
        fc.integer({ min: 60, max: 3000 }),
        fc.integer({ min: 0, max: 60 }),
        (chances, aheadSeconds, jitterSeconds) => {
          const refresh = { aheadMs: aheadSeconds * SECOND_MS, jitterMs: jitterSeconds * SECOND_MS };
          const lifeMs = 7200 * SECOND_MS;
          const rotations: number[] = [0];
          for (const chance of chances) {
            const last = rotations.at(-1) ?? 0;
            rotations.push(last + refreshDueAtMs(record(lifeMs), refresh, chance));
          }
          const lastMs = rotations.at(-1) ?? 0;
          let nowMs = 17;
          while (nowMs < lastMs) {
            const current = rotations.filter((at) => at <= nowMs).at(-1) ?? 0;
            const next = rotations.find((at) => at > nowMs) ?? lastMs;
            const leftMs = current + lifeMs - nowMs;
            const token = {
              record: record(lifeMs),
              leftMs,
              refresh,
              graceMs: GRACE_MS,
              isSuspect: false,
            };
            nowMs += cacheableMs(token);
            expect(nowMs).toBeLessThan(next + 300 * SECOND_MS);
          }
        },
      ),
    );
  });
});
