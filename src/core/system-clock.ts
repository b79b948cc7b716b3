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

  /** A process that was busy when the time came first reads what arrived meanwhile: an answer in the socket beats its deadline. */
  after(delayMs: number, callback: () => void): () => void {
    let immediate: NodeJS.Immediate | undefined;
    const timer = setTimeout(
      () => {
        // Never unref'ed: the loop would not hurry for it, and sleep until something else happens.
        immediate = setImmediate(callback);
      },
      Math.min(Math.max(delayMs, 0), MAX_TIMER_MS),
    ).unref();
    return () => {
      clearTimeout(timer);
      clearImmediate(immediate);
    };
  }
}
