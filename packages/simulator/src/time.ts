import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';

/** Milliseconds since the Unix epoch, whole, and never going back when the machine's clock is stepped. */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}

/** The only timer of the simulator. Rejects when `stopping` aborts. */
export async function pause(delayMs: number, stopping: AbortSignal): Promise<void> {
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal: stopping });
}
