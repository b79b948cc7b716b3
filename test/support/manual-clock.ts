import { Clock } from '../../src/core/ports/clock.js';

/** A clock that stands still until it is told to go on. Chance is always a half, unless set. */
export class ManualClock extends Clock {
  chance = 0.5;
  private nowMonoMs = 1000;
  private epochMs = Date.UTC(2026, 10, 21, 2);
  private timers: { readonly atMonoMs: number; readonly callback: () => void }[] = [];

  override monotonicMs(): number {
    return this.nowMonoMs;
  }

  override wallMs(): number {
    return this.epochMs + this.nowMonoMs;
  }

  override random(): number {
    return this.chance;
  }

  override after(delayMs: number, callback: () => void): () => void {
    const timer = { atMonoMs: this.nowMonoMs + delayMs, callback };
    this.timers.push(timer);
    return () => {
      this.timers = this.timers.filter((other) => other !== timer);
    };
  }

  /** Goes on, firing timers in order and letting promises settle after each. */
  async advance(ms: number): Promise<void> {
    const untilMonoMs = this.nowMonoMs + ms;
    for (;;) {
      await settle();
      const [next] = this.timers
        .filter(({ atMonoMs }) => atMonoMs <= untilMonoMs)
        .sort((a, b) => a.atMonoMs - b.atMonoMs);
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.nowMonoMs = Math.max(this.nowMonoMs, next.atMonoMs);
      next.callback();
    }
    this.nowMonoMs = Math.max(this.nowMonoMs, untilMonoMs);
  }

  /** Goes on while code runs, so that no timer fires. */
  pass(ms: number): void {
    this.nowMonoMs += ms;
  }

  /** Moves the wall clock alone, as an administrator or NTP does. */
  stepWallClock(ms: number): void {
    this.epochMs += ms;
  }
}

/** Lets everything that waits for nothing but promises run. */
export function settle(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
