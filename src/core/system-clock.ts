import { performance } from 'node:perf_hooks';
import { Clock } from './ports/clock.js';

/** Node rejects longer timers by firing them at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clocks. */
export class SystemClock extends Clock {
  monotonicMs(): number {
    return performance.now();
  }

  wallMs(): number {
    return Date.now();
  }

  random(): number {
    return Math.random();
  }

  after(delayMs: number, callback: () => void): () => void {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  }
}
