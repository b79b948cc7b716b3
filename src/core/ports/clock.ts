import type { Deadline } from './token-issuer.js';

/**
 * Time and chance, so that both can be simulated. Nothing else in the core reads a clock, sets a timer or rolls dice.
 *
 * `monotonicMs` never jumps and decides what is expired; `wallMs` is what people read and may be stepped at any moment.
 */
export abstract class Clock {
  /** Milliseconds since an arbitrary origin; never goes back. */
  abstract monotonicMs(): number;
  /** Milliseconds since the Unix epoch, as the machine believes. */
  abstract wallMs(): number;
  /** Uniform in [0, 1). */
  abstract random(): number;
  /** Calls back once after `delayMs`, unless the returned function is called first. The timer keeps no process alive. */
  abstract after(delayMs: number, callback: () => void): () => void;
}

export const DAY_MS = 24 * 60 * 60 * 1000;

/** Calls with a signal that is aborted after `timeoutMs`, unless the call is over by then. */
export async function withDeadline<T>(
  clock: Clock,
  timeoutMs: number,
  call: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const cancel = clock.after(timeoutMs, () => {
    controller.abort();
  });
  try {
    return await call({ signal: controller.signal, timeoutMs });
  } finally {
    cancel();
  }
}

/** Resolves after `delayMs`. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** Lets others have their turn of the event loop, in the midst of work that is long. Neither time nor chance. */
export function othersTurn(): Promise<void> {
  // eslint-disable-next-line no-restricted-globals
  return new Promise((resolve) => void setImmediate(resolve));
}
