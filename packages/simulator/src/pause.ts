import { setTimeout } from 'node:timers/promises';

/** The only timer of the simulator. Rejects when `stopping` aborts. */
export async function pause(delayMs: number, stopping: AbortSignal): Promise<void> {
  if (delayMs > 0) await setTimeout(delayMs, undefined, { signal: stopping });
}
