import { performance } from 'node:perf_hooks';

/** Milliseconds since the Unix epoch, whole, and never going back when the machine's clock is stepped. */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}
