import type { Clock } from '../ports/clock.js';

/** Tasks that use the platform at a time because they are due: a thousand at once would time each other out. */
const MAX_BUSY = 64;

/** No task takes a shorter time without runs for a pause. */
const MIN_PAUSE_MS = 500;

/** Something that has work to do from time to time. */
export interface Task {
  /** Uses the platform just now. */
  readonly isBusy: boolean;
  /** Has work at the platform that is due. Read before `nextMonoMs`, which counts on it: whoever is due for the first time takes a place in the pace of the start. */
  readonly wantsPlatform: boolean;
  /** When `runDue` may have other work, or `wantsPlatform` become true, on the monotonic clock; not later than now if it has some. */
  readonly nextMonoMs: number;
  /** Starts what is due and returns at once. `mayUsePlatform`: fewer than 64 tasks do. */
  runDue(mayUsePlatform: boolean): void;
  /** No task was run for so long: the process stood still, or did not get a processor. */
  resumeAfter(pauseMs: number): void;
}

interface Entry {
  readonly atMonoMs: number;
  /** Of two that are due at the same time, the one that was scheduled first comes first. */
  readonly order: number;
  readonly task: Task;
}

/** Runs each task when it is due. Holds the due times in a heap, so that a thousand idle tasks cost nothing. */
export class Scheduler {
  /** A binary heap, the earliest first. Entries that `entries` does not have any more are void. */
  private readonly heap: Entry[] = [];
  private readonly entries = new Map<Task, Entry>();
  private readonly busy = new Set<Task>();
  /** What wants to use the platform, the longest waiting first. Nobody looks at those that have no turn yet. */
  private readonly waiting = new Set<Task>();
  private readonly removed = new WeakSet<Task>();
  private order = 0;
  private lastRunMonoMs: number;
  private isStarted = false;

  constructor(private readonly clock: Clock) {
    this.lastRunMonoMs = clock.monotonicMs();
  }

  /** Nothing is run before. */
  start(): void {
    this.isStarted = true;
    this.runDue();
  }

  /** Milliseconds since `runDue` was called. */
  sinceLastRunMs(nowMonoMs: number): number {
    return nowMonoMs - this.lastRunMonoMs;
  }

  /** To be called for a new task, and whenever what it says of itself may have changed for another reason than time. */
  update(task: Task): void {
    if (this.removed.has(task)) return;
    if (task.isBusy) this.busy.add(task);
    else this.busy.delete(task);
    if (task.wantsPlatform) this.waiting.add(task);
    else this.waiting.delete(task);
    const atMonoMs = task.nextMonoMs;
    if (this.entries.get(task)?.atMonoMs === atMonoMs) return;
    const entry = { atMonoMs, order: this.order, task };
    this.order += 1;
    this.entries.set(task, entry);
    this.push(entry);
  }

  /** Never runs it again, whoever still asks for it. */
  remove(task: Task): void {
    this.removed.add(task);
    this.busy.delete(task);
    this.waiting.delete(task);
    this.entries.delete(task);
  }

  /** Runs every task that is due. Called by a timer, several times a second. */
  runDue(): void {
    const nowMonoMs = this.clock.monotonicMs();
    const pauseMs = this.sinceLastRunMs(nowMonoMs);
    if (pauseMs > MIN_PAUSE_MS) for (const task of this.entries.keys()) task.resumeAfter(pauseMs);
    this.lastRunMonoMs = nowMonoMs;
    if (!this.isStarted) return;
    for (const task of new Set([...this.takeWaiting(), ...this.takeDue(nowMonoMs)])) {
      task.runDue(this.busy.size < MAX_BUSY);
      this.update(task);
    }
  }

  private takeWaiting(): readonly Task[] {
    const turns: Task[] = [];
    for (const task of this.waiting) {
      if (this.busy.size + turns.length >= MAX_BUSY) break;
      this.waiting.delete(task);
      turns.push(task);
    }
    return turns;
  }

  private takeDue(nowMonoMs: number): readonly Task[] {
    const due: Task[] = [];
    for (let [first] = this.heap; first && first.atMonoMs <= nowMonoMs; [first] = this.heap) {
      this.pop();
      if (this.entries.get(first.task) !== first) continue;
      this.entries.delete(first.task);
      due.push(first.task);
    }
    return due;
  }

  private push(entry: Entry): void {
    const { heap } = this;
    let index = heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.isBefore(index, parent)) return;
      this.swap(index, parent);
      index = parent;
    }
  }

  private pop(): void {
    const { heap } = this;
    this.swap(0, heap.length - 1);
    heap.pop();
    for (let index = 0; ;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) if (this.isBefore(child, least)) least = child;
      if (least === index) return;
      this.swap(index, least);
      index = least;
    }
  }

  private isBefore(index: number, other: number): boolean {
    const [a, b] = [this.heap[index], this.heap[other]];
    if (!a || !b) return false;
    return a.atMonoMs === b.atMonoMs ? a.order < b.order : a.atMonoMs < b.atMonoMs;
  }

  private swap(index: number, other: number): void {
    const { heap } = this;
    const [a, b] = [heap[index], heap[other]];
    if (a && b) [heap[index], heap[other]] = [b, a];
  }
}

/** So much of a second's worth may begin at once. */
const BURST_MS = 1000;

/**
 * Spreads what all apps ask of the platform by themselves when none of them has a token yet, or has one that was not tried:
 * gives each a time of its own, in the order in which they come. What a caller waits for takes none and is done at once.
 */
export class StartPace {
  private nextMonoMs = -Infinity;

  constructor(
    private readonly clock: Clock,
    public perSecond: number,
  ) {}

  /** The next free time, on the monotonic clock; it may be over. */
  take(): number {
    const slotMonoMs = Math.max(this.nextMonoMs, this.clock.monotonicMs() - BURST_MS);
    this.nextMonoMs = slotMonoMs + 1000 / this.perSecond;
    return slotMonoMs;
  }
}
