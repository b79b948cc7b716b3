import { REFRESH } from '../../../test/support/create-broker.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { FetchFloor } from './budgets.js';

const HOUR_MS = 3_600_000;

function floorOf(refresh: Partial<typeof REFRESH> = {}): { floor: FetchFloor; clock: ManualClock } {
  const clock = new ManualClock();
  return { clock, floor: new FetchFloor({ ...REFRESH, ...refresh }, clock) };
}

describe('the floor of this process', () => {
  it('allows no more than a day’s budget in a day, whatever the store says', async () => {
    const { floor, clock } = floorOf({ dailyBudget: 3, forcedDailyBudget: 1 });
    for (let count = 0; count < 3; count += 1) floor.add('scheduled', null);
    expect(floor.exhausted(null)).toBe('daily');
    expect(floor.exhausted({ pool: 'forced', client: 'orders' })).toBeNull();
    floor.add('force', { pool: 'forced', client: 'orders' });
    expect(floor.exhausted({ pool: 'forced', client: 'orders' })).toBe('forced');
    clock.stepWallClock(7 * 24 * HOUR_MS);
    expect(floor.exhausted(null)).toBe('daily');
    await clock.advance(24 * HOUR_MS);
    expect(floor.exhausted(null)).toBeNull();
  });

  it('lets the first heals follow each other, and then ever longer pauses', async () => {
    const { floor, clock } = floorOf();
    const pausesS: number[] = [];
    for (let heal = 0; heal < 14; heal += 1) {
      let pausedMs = 0;
      for (; !floor.mayHeal; pausedMs += 5000) await clock.advance(5000);
      floor.add(heal % 2 ? 'suspect' : 'rollback', null);
      pausesS.push(pausedMs / 1000);
    }
    expect(pausesS).toEqual([0, 15, 15, 15, 15, 15, 30, 60, 120, 240, 480, 960, 1800, 1800]);
    await clock.advance(2 * HOUR_MS);
    expect(floor.mayHeal).toBe(true);
    floor.add('in_doubt', null);
    await clock.advance(REFRESH.leaseMs);
    expect(floor.mayHeal).toBe(true);
  });

  it('leaves half of the day’s budget to others than heals', async () => {
    const { floor, clock } = floorOf({ dailyBudget: 10 });
    for (let heal = 0; heal < 5; heal += 1) {
      floor.add('suspect', null);
      await clock.advance(2 * HOUR_MS);
    }
    expect(floor.mayHeal).toBe(false);
    expect(floor.exhausted(null)).toBeNull();
    await clock.advance(24 * HOUR_MS);
    expect(floor.mayHeal).toBe(true);
  });
});
