import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 10;

/** Asks `probe` until it gives something other than undefined, null or false, and returns that. Throws, saying what was awaited. */
export async function eventually<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = 15_000,
): Promise<Exclude<NonNullable<T>, false>> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (isSomething(found)) return found;
    if (performance.now() > deadlineMs) throw new Error(`Within ${String(timeoutMs)} ms: not ${what}`);
    await sleep(PAUSE_MS);
  }
}

function isSomething<T>(value: T): value is Exclude<NonNullable<T>, false> {
  return value !== undefined && value !== null && value !== false;
}
