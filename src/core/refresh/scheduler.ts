import type { Clock } from '../ports/clock.js';

/** Tasks that use the platform at a time because they are due: a thousand at once would time each other out. */
const MAX_BUSY = 64;
/** Tasks that begin to use the platform in one turn of the event loop. Each of them costs milliseconds until it is over, and callers wait for those. */
const MAX_BEGUN_PER_TURN = 2;
/** A turn begins no other task after this time. */
const MAX_TURN_MS = 2;
/** Between two turns. After a turn that came late, more begin, so that as many do in a second. */
const BETWEEN_TURNS_MS = 4;
/** A process that stood still does not make up for more than 100 ms: it would be busy again. */
const MAX_LATE_TURNS = 25;
/** Run in a turn for each that may begin, however long they take: a process without a processor must not fall behind. */
const MIN_RUN_PER_BEGUN = 4;
/** `inTurns` does at least so many in a turn, about a millisecond's work, however late turns are. */
const MIN_OF_ALL_PER_TURN = 64;

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

/**
 * Runs each task when it is due. Holds the due times in a heap, so that a thousand idle tasks cost nothing. Of what is due at
 * the same time, a few begin in one turn of the event loop.
 */
export class Scheduler {
  /** A binary heap, the earliest first. Entries that `entries` does not have any more are void. */
  private readonly heap: Entry[] = [];
  private readonly entries = new Map<Task, Entry>();
  private readonly busy = new Set<Task>();
  /** What wants to use the platform, the longest waiting first. Nobody looks at those that have no turn yet. */
  private readonly waiting = new Set<Task>();
  /** What runs in the turns that come next, in its order. True: it has waited for the platform, and goes first. */
  private next = new Map<Task, boolean>();
  private cancelTurn: () => void = () => undefined;
  /** When the last turn ended. */
  private lastTurnMonoMs = -Infinity;
  /** Nobody looks at them before the start, while what they say of themselves changes several times. */
  private readonly unplanned = new Set<Task>();
  private readonly removed = new WeakSet<Task>();
  private order = 0;
  private lastRunMonoMs: number;
  private isStarted = false;

  constructor(private readonly clock: Clock) {
    this.lastRunMonoMs = clock.monotonicMs();
  }

  /** How many due times it holds, with those that have changed since. */
  get size(): number {
    return this.heap.length;
  }

  /** Nothing is run before. */
  start(): void {
    this.isStarted = true;
    inTurns(this.clock, this.unplanned, (task) => {
      this.update(task);
    });
    this.runDue();
  }

  /** Milliseconds since `runDue` was called. */
  sinceLastRunMs(nowMonoMs: number): number {
    return nowMonoMs - this.lastRunMonoMs;
  }

  /** To be called for a new task, and whenever what it says of itself may have changed for another reason than time. */
  update(task: Task): void {
    if (this.removed.has(task)) return;
    if (!this.isStarted) {
      this.unplanned.add(task);
      return;
    }
    this.unplanned.delete(task);
    if (task.isBusy) this.busy.add(task);
    else this.busy.delete(task);
    if (task.wantsPlatform && !this.next.has(task)) this.waiting.add(task);
    else this.waiting.delete(task);
    const atMonoMs = task.nextMonoMs;
    if (this.entries.get(task)?.atMonoMs === atMonoMs) return;
    const entry = { atMonoMs, order: this.order, task };
    this.order += 1;
    this.entries.set(task, entry);
    if (atMonoMs < Infinity) this.push(entry);
  }

  /** Never runs it again, whoever still asks for it. */
  remove(task: Task): void {
    this.removed.add(task);
    for (const tasks of [this.busy, this.waiting, this.next, this.unplanned]) tasks.delete(task);
    this.entries.delete(task);
  }

  /** Runs every task that is due: the first ones at once, the others in turns that follow. Called by a timer, several times a second. */
  runDue(): void {
    const nowMonoMs = this.clock.monotonicMs();
    const pauseMs = this.sinceLastRunMs(nowMonoMs);
    if (pauseMs > MIN_PAUSE_MS) {
      const all = new Set([...this.unplanned, ...this.entries.keys(), ...this.next.keys()]);
      for (const task of all) task.resumeAfter(pauseMs);
    }
    this.lastRunMonoMs = nowMonoMs;
    if (!this.isStarted) return;
    // Nothing is late that has just become due.
    if (this.next.size === 0) this.lastTurnMonoMs = nowMonoMs;
    const due = this.takeDue(nowMonoMs);
    this.next = new Map([...this.takeWaiting(), ...this.next]);
    for (const task of due) if (!this.next.has(task)) this.next.set(task, false);
    this.takeTurn();
  }

  private takeTurn(): void {
    this.cancelTurn();
    const nowMonoMs = this.clock.monotonicMs();
    const turns = (nowMonoMs - this.lastTurnMonoMs) / BETWEEN_TURNS_MS;
    const maxBegun = Math.floor(Math.min(Math.max(1, turns), MAX_LATE_TURNS) * MAX_BEGUN_PER_TURN);
    let begun = 0;
    let ran = 0;
    for (const [task, hasWaited] of this.next) {
      const isOver = this.clock.monotonicMs() >= nowMonoMs + MAX_TURN_MS;
      if (begun >= maxBegun || (isOver && ran >= maxBegun * MIN_RUN_PER_BEGUN)) break;
      this.next.delete(task);
      ran += 1;
      const wasBusy = task.isBusy;
      task.runDue(this.busy.size < MAX_BUSY && (hasWaited || this.waiting.size === 0));
      this.update(task);
      if (task.isBusy && !wasBusy) begun += 1;
    }
    this.lastTurnMonoMs = this.clock.monotonicMs();
    if (this.next.size === 0) return;
    this.cancelTurn = this.clock.after(BETWEEN_TURNS_MS, () => {
      this.takeTurn();
    });
  }

  /** As many as there are places at the platform, with those that have one and did not begin yet. */
  private takeWaiting(): readonly (readonly [Task, true])[] {
    let places = MAX_BUSY - this.busy.size;
    for (const hasWaited of this.next.values()) if (hasWaited) places -= 1;
    const taken: [Task, true][] = [];
    for (const task of this.waiting) {
      if (taken.length >= places) break;
      this.waiting.delete(task);
      taken.push([task, true]);
    }
    return taken;
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

/** So long without a run that other replicas may have rotated more than once meanwhile. */
export function isPause(pauseMs: number, reconcileMs: number): boolean {
  return pauseMs > 2 * reconcileMs + MIN_PAUSE_MS;
}

/** Does something for each of thousands: the first ones at once, and the others in turns of the event loop that follow. */
export function inTurns<T>(clock: Clock, all: Iterable<T>, work: (one: T) => void): void {
  const left = all[Symbol.iterator]();
  const turn = (): void => {
    const endMonoMs = clock.monotonicMs() + MAX_TURN_MS;
    let done = 0;
    for (let next = left.next(); next.done !== true; next = left.next()) {
      work(next.value);
      done += 1;
      if (done < MIN_OF_ALL_PER_TURN || clock.monotonicMs() < endMonoMs) continue;
      clock.after(BETWEEN_TURNS_MS, turn);
      return;
    }
  };
  turn();
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

/** At most one call per key at a time; callers who come while it runs share its outcome. */
export class SingleFlight<Key, Result> {
  /** Null while nothing runs: there are thousands of these, and an empty map takes 200 bytes. */
  private flights: Map<Key, Promise<Result>> | null = null;

  /** @param onChange called when a call has started and when it has ended */
  constructor(private readonly onChange: () => void = () => undefined) {}

  /** Starts `work`, or joins the call that runs for this key. A joiner asked for something older: check again afterwards. */
  run(key: Key, work: () => Promise<Result>): Promise<Result> {
    const running = this.flights?.get(key);
    if (running) return running;
    const flight = work().finally(() => {
      this.flights?.delete(key);
      if (this.flights?.size === 0) this.flights = null;
      this.onChange();
    });
    this.flights ??= new Map();
    this.flights.set(key, flight);
    this.onChange();
    return flight;
  }

  isRunning(key: Key): boolean {
    return this.flights?.has(key) ?? false;
  }

  /** Resolves when all that run now are over, however they end. */
  async ended(): Promise<void> {
    if (this.flights) await Promise.allSettled(this.flights.values());
  }
}
