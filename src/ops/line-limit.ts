import type { Clock } from '../core/clock.js';

const WINDOW_MS = 60_000;

interface Window {
  lines: number;
  suppressed: number;
  readonly cancel: () => void;
  readonly tell: (suppressed: number) => void;
}

/** Lets so many lines of one kind through per minute, and counts the others. Kinds must be few: each takes memory for its minute. */
export class LineLimit {
  private readonly windows = new Map<string, Window>();

  constructor(
    private readonly clock: Clock,
    private readonly perMinute: number,
  ) {}

  /** @param tell is called at the end of the minute if anything was suppressed, with how much that was */
  isFree(kind: string, tell: (suppressed: number) => void): boolean {
    let window = this.windows.get(kind);
    if (window === undefined) {
      const cancel = this.clock.after(WINDOW_MS, () => {
        this.end(kind);
      });
      window = { lines: 0, suppressed: 0, cancel, tell };
      this.windows.set(kind, window);
    }
    if (window.lines < this.perMinute) {
      window.lines += 1;
      return true;
    }
    window.suppressed += 1;
    return false;
  }

  /** Ends all minutes now, so that no count is lost. */
  close(): void {
    for (const kind of [...this.windows.keys()]) this.end(kind);
  }

  private end(kind: string): void {
    const window = this.windows.get(kind);
    this.windows.delete(kind);
    window?.cancel();
    if (window !== undefined && window.suppressed > 0) window.tell(window.suppressed);
  }
}
