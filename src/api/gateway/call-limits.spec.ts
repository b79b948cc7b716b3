import { ManualClock } from '../../../test/support/manual-clock.js';
import { CallLimits } from './call-limits.js';

describe('the limits of calls', () => {
  const told: string[] = [];
  let clock: ManualClock;
  let limits: CallLimits;

  beforeEach(() => {
    told.length = 0;
    clock = new ManualClock();
    limits = new CallLimits(2, clock, (app, count, limit) => told.push(`${app} ${count} of ${limit}`));
  });

  const enter = (ratePerSecond?: number, client = 'orders') => {
    limits.enter('shop', client, ratePerSecond);
  };

  it('let as many calls of an app in as may be under way, and tell how many there are', () => {
    enter();
    enter();
    expect(() => {
      enter();
    }).toThrow('has 2 calls of the app under way');
    limits.leave('shop');
    expect(told).toEqual(['shop 1 of 2', 'shop 2 of 2', 'shop 1 of 2']);
  });

  it('hold from the next call on when they change, and are told as they are then', () => {
    enter();
    limits.configure(1);
    expect(() => {
      enter();
    }).toThrow('has 1 calls of the app under way');
    limits.configure(5);
    enter();
    expect(told.at(-1)).toBe('shop 2 of 5');
  });

  it('let a burst of one second through for each client by itself, at the rate that holds now', async () => {
    limits.configure(100);
    const admitted = (ratePerSecond: number, client?: string): number => {
      for (let calls = 0; ; calls += 1) {
        try {
          enter(ratePerSecond, client);
        } catch {
          return calls;
        }
      }
    };
    expect([admitted(3), admitted(3, 'mailer')]).toEqual([3, 3]);
    await clock.advance(1000);
    expect(admitted(3)).toBe(3);
    expect(admitted(5)).toBe(2);
  });
});
