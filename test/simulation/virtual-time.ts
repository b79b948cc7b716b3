import { Clock } from '../../src/core/ports/clock.js';
import type { Dice } from '../support/dice.js';

/** Globals are slow to look up inside a test's sandbox, and this is its innermost loop. */
const { max } = Math;

/** More turns of the microtask queue than any chain of the broker takes; far cheaper than a turn of the event loop. */
const MAX_CHAIN = 40;

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly action: () => void;
}

/** Runs what is scheduled in order of virtual time. Ties run in the order in which they were scheduled. */
export class VirtualTime {
  nowMs = 0;
  private order = 0;
  private readonly heap: Entry[] = [];

  schedule(delayMs: number, action: () => void): () => void {
    let isCancelled = false;
    this.push({
      atMs: this.nowMs + max(0, delayMs),
      order: this.order++,
      action: () => {
        if (!isCancelled) action();
      },
    });
    return () => {
      isCancelled = true;
    };
  }

  /** Runs until virtual time `untilMs`, letting promise chains come to rest between two entries. */
  async run(untilMs: number): Promise<void> {
    for (let next = this.heap[0]; next && next.atMs <= untilMs; next = this.heap[0]) {
      this.pop();
      this.nowMs = next.atMs;
      next.action();
      // A turn needs no promise of its own, and a million of them are not free.
      // eslint-disable-next-line @typescript-eslint/await-thenable
      for (let turn = 0; turn < MAX_CHAIN; turn += 1) await undefined;
    }
    this.nowMs = untilMs;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (!above || !isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      const right = heap[child + 1];
      if (right && isBefore(right, heap[child])) child += 1;
      const smallest = heap[child];
      if (!smallest || !isBefore(smallest, last)) break;
      heap[at] = smallest;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry | undefined): boolean {
  return b !== undefined && (a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order));
}

/** One simulated process: its clocks start anywhere, its timers die with it, and while it is paused nothing reaches it. */
export class VirtualProcess extends Clock {
  isDead = false;
  private pausedUntilMs = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly dice: Dice,
    private readonly offsetMs: number,
  ) {
    super();
  }

  override monotonicMs(): number {
    return this.time.nowMs + this.offsetMs;
  }

  override wallMs(): number {
    return 1_800_000_000_000 + this.time.nowMs + this.offsetMs / 1000;
  }

  override random(): number {
    return this.dice.next();
  }

  override after(delayMs: number, callback: () => void): () => void {
    return this.deliver(delayMs, callback);
  }

  /** Runs the callback in this process: never if it was killed, and not before it was resumed if it is paused. */
  deliver(delayMs: number, callback: () => void): () => void {
    let cancel = (): void => undefined;
    const attempt = (waitMs: number): void => {
      cancel = this.time.schedule(waitMs, () => {
        if (this.isDead) return;
        if (this.time.nowMs < this.pausedUntilMs) attempt(this.pausedUntilMs - this.time.nowMs);
        else callback();
      });
    };
    attempt(delayMs);
    return () => {
      cancel();
    };
  }

  kill(): void {
    this.isDead = true;
  }

  pause(durationMs: number): void {
    this.pausedUntilMs = max(this.pausedUntilMs, this.time.nowMs + durationMs);
  }

  get isRunning(): boolean {
    return !this.isDead && this.time.nowMs >= this.pausedUntilMs;
  }
}
