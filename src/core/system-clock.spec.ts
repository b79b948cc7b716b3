import { sleep } from './ports/clock.js';
import { SystemClock } from './system-clock.js';

describe('SystemClock', () => {
  const clock = new SystemClock();

  it('tells monotonic time, wall time and chance', async () => {
    const monoMs = clock.monotonicMs();
    expect(clock.wallMs()).toBeGreaterThan(Date.UTC(2026, 0));
    await sleep(clock, 5);
    expect(clock.monotonicMs() - monoMs).toBeGreaterThan(3);
    expect(clock.random()).toBeGreaterThanOrEqual(0);
    expect(clock.random()).toBeLessThan(1);
  });

  it('calls back once, unless it is told not to, and not at once for longer than a timer can be', async () => {
    const called: string[] = [];
    clock.after(2, () => called.push('soon'));
    clock.after(2, () => called.push('cancelled'))();
    clock.after(2 ** 40, () => called.push('in 35 years'));
    await sleep(clock, 20);
    expect(called).toEqual(['soon']);
  });
});
