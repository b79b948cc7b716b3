import type { Clock } from '../core/ports/clock.js';

const WINDOW_MS = 60_000;

interface Window {
  lines: number;
  suppressed: number;
  readonly cancel: () => void;
  readonly tell: (suppressed: number) => void;
}

/** Lets so many lines of one kind through per minute, and counts the others. Each kind takes memory for its minute. */
export class LineLimit {
  private readonly windows = new Map<string, Window>();

  constructor(
    private readonly clock: Clock,
    private readonly perMinute: number,
    /** How many kinds get lines within a minute, where there may be many kinds. */
    private readonly maxKinds = Infinity,
  ) {}

  /**
   * @param tell is called at the end of the minute if anything was suppressed, with how much that was
   * @param isDueAnyway the line is written whatever the limit says, and counts as one of the minute
   */
  isFree(kind: string, tell: (suppressed: number) => void, isDueAnyway = false): boolean {
    let window = this.windows.get(kind);
    if (window === undefined) {
      if (this.windows.size >= this.maxKinds) return isDueAnyway;
      const cancel = this.clock.after(WINDOW_MS, () => {
        this.end(kind);
      });
      window = { lines: 0, suppressed: 0, cancel, tell };
      this.windows.set(kind, window);
    }
    if (isDueAnyway || window.lines < this.perMinute) {
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
