/** Resolves after `ms`, or at once when the signal is aborted. Keeps no process alive, unless a caller waits for it. */
export function pause(ms: number, signal: AbortSignal, { isAwaited = false } = {}): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    if (!isAwaited) unreffed(timer);
    signal.addEventListener('abort', done);
  });
}

/** Keeps no process alive, where the runtime knows of such a thing. */
export function unreffed<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** Milliseconds until the next attempt: full jitter over a span that doubles. */
export function backOffMs(attempt: number, longestMs: number): number {
  return Math.random() * Math.min(longestMs, 100 * 2 ** attempt);
}
