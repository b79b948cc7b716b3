import type { Clock } from '../ports/clock.js';

/** So much of a second's worth may begin at once. */
const BURST_MS = 1000;

/**
 * Spreads what all apps ask of the platform by themselves when none of them has a token yet, or has one that was not tried:
 * gives each a time of its own, in the order in which they come. What a caller waits for takes none and is done at once.
 */
export class StartPace {
  private nextMonoMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    public perSecond: number,
  ) {}

  /** The next free time, on the monotonic clock; it may be over. */
  take(): number {
    const slotMonoMs = Math.max(this.nextMonoMs, this.clock.monotonicMs() - BURST_MS);
    this.nextMonoMs = slotMonoMs + 1000 / this.perSecond;
    return slotMonoMs;
  }
}
