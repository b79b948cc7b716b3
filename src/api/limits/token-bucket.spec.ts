import fc from 'fast-check';
import { TokenBucket } from './token-bucket.js';

describe('TokenBucket', () => {
  it('lets through no more than the burst and what the rate adds, however requests come', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 100 }),
        fc.array(fc.nat(2000), { maxLength: 200 }),
        (perSecond, burst, pausesMs) => {
          const bucket = new TokenBucket(perSecond, burst, 0);
          let nowMs = 0;
          let taken = 0;
          for (const pauseMs of pausesMs) {
            nowMs += pauseMs;
            if (bucket.take(nowMs)) taken += 1;
            expect(taken).toBeLessThanOrEqual(burst + (perSecond * nowMs) / 1000 + 1e-6);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it('never turns away who keeps to the rate, and says how long the others wait', () => {
    const bucket = new TokenBucket(10, 1, 0);
    for (let nowMs = 0; nowMs < 5000; nowMs += 101) expect(bucket.take(nowMs)).toBe(true);
    const other = new TokenBucket(2, 1, 0);
    expect(other.take(0)).toBe(true);
    expect(other.waitMs(0)).toBe(500);
    expect(other.take(499)).toBe(false);
    expect(other.take(501)).toBe(true);
  });

  it('keeps what was used when its rate changes', () => {
    const bucket = new TokenBucket(1, 3, 0);
    for (let i = 0; i < 3; i += 1) bucket.take(0);
    bucket.configure(1, 5);
    expect([bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([true, true, false]);
    bucket.configure(1, 1);
    expect(bucket.take(1000)).toBe(false);
  });
});
