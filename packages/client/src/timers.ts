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
function unreffed<Timer>(timer: Timer): Timer {
  (timer as { unref?: () => void }).unref?.();
  return timer;
}

/** Milliseconds until the next attempt: full jitter over a span that doubles. */
export function backOffMs(attempt: number, maxMs: number): number {
  return Math.random() * Math.min(maxMs, 100 * 2 ** attempt);
}

/**
 * Aborts its signal when nothing was heard for too long, or when its parent is aborted. `AbortSignal.any` would do half of
 * that, but in some runtimes its signals are collected as garbage while they are waited for.
 */
export class TimeLimit {
  heardAtMs = performance.now();
  private readonly controller = new AbortController();
  private timer: ReturnType<typeof setTimeout>;

  constructor(
    private readonly parent: AbortSignal,
    private limitMs: number,
  ) {
    this.timer = this.wake(limitMs);
    parent.addEventListener('abort', this.abort);
    if (parent.aborted) this.abort();
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Something was heard. Sets no timer: this is looked at when the last one is over. */
  heard(): void {
    this.heardAtMs = performance.now();
  }

  /** From now on it may be silent for this long. */
  allow(limitMs: number): void {
    this.limitMs = limitMs;
    this.heard();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.parent.removeEventListener('abort', this.abort);
  }

  private wake(inMs: number): ReturnType<typeof setTimeout> {
    return unreffed(
      setTimeout(() => {
        const leftMs = this.heardAtMs + this.limitMs - performance.now();
        if (leftMs > 0) this.timer = this.wake(leftMs);
        else this.controller.abort(new Error(`nothing was heard for ${String(Math.round(this.limitMs))} ms`));
      }, inMs),
    );
  }

  private readonly abort = (): void => {
    this.controller.abort(this.parent.reason);
  };
}
