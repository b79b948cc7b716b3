import { ManualClock } from '../../../test/support/manual-clock.js';
import { Scheduler, type Task } from './scheduler.js';

class FakeTask implements Task {
  isBusy = false;
  wantsPlatform = false;
  readonly ranMonoMs: number[] = [];
  readonly pausesMs: number[] = [];
  /** How often the scheduler looked at it. */
  looks = 0;
  mayUsePlatform = false;
  /** Uses the platform from its first run on. */
  beginsUse = false;
  /** Of one run. */
  takesMs = 0;
  lookTakesMs = 0;

  constructor(
    private readonly clock: ManualClock,
    public dueMonoMs: number,
    private readonly everyMs = Infinity,
  ) {}

  get nextMonoMs(): number {
    this.looks += 1;
    this.clock.pass(this.lookTakesMs);
    return this.dueMonoMs;
  }

  runDue(mayUsePlatform: boolean): void {
    this.mayUsePlatform = mayUsePlatform;
    this.ranMonoMs.push(this.clock.monotonicMs());
    this.isBusy ||= this.beginsUse && mayUsePlatform;
    this.clock.pass(this.takesMs);
    this.dueMonoMs = this.clock.monotonicMs() + this.everyMs;
  }

  resumeAfter(pauseMs: number): void {
    this.pausesMs.push(pauseMs);
  }
}

describe('Scheduler', () => {
  let clock: ManualClock;
  let scheduler: Scheduler;

  beforeEach(() => {
    clock = new ManualClock();
    scheduler = new Scheduler(clock);
  });

  const add = (dueInMs: number, everyMs?: number): FakeTask => {
    const task = new FakeTask(clock, clock.monotonicMs() + dueInMs, everyMs);
    scheduler.update(task);
    return task;
  };

  /** So many others use the platform. */
  const use = (count: number): FakeTask[] =>
    Array.from({ length: count }, () => {
      const other = add(3_600_000);
      other.isBusy = true;
      scheduler.update(other);
      return other;
    });

  const run = async (ms: number): Promise<void> => {
    for (let leftMs = ms; leftMs > 0; leftMs -= 250) {
      await clock.advance(Math.min(250, leftMs));
      scheduler.runDue();
    }
  };

  it('runs each task when it is due, in the order of the due times', async () => {
    const tasks = [7, 3, 9, 1, 3].map((seconds) => add(seconds * 1000));
    scheduler.start();
    const startMonoMs = clock.monotonicMs();
    await run(10_000);
    expect(tasks.map(({ ranMonoMs }) => ranMonoMs.map((atMonoMs) => atMonoMs - startMonoMs))).toEqual([
      [7000],
      [3000],
      [9000],
      [1000],
      [3000],
    ]);
  });

  it('looks at no task that is not due', async () => {
    const idle = Array.from({ length: 1000 }, () => add(3_600_000));
    const due = add(0, 1000);
    scheduler.start();
    await run(10_000);
    expect(due.ranMonoMs).toHaveLength(11);
    expect(idle.filter(({ looks }) => looks !== 1)).toEqual([]);
  });

  it('runs none before it is started, and then what became due meanwhile', async () => {
    const task = add(500);
    await run(1000);
    expect(task.ranMonoMs).toEqual([]);
    scheduler.start();
    expect(task.ranMonoMs).toHaveLength(1);
  });

  it('follows a task whose due time was moved, either way', async () => {
    const [earlier, later] = [add(9000), add(1000)];
    scheduler.start();
    const startMonoMs = clock.monotonicMs();
    earlier.dueMonoMs = startMonoMs + 2000;
    later.dueMonoMs = startMonoMs + 4000;
    for (const task of [earlier, later]) scheduler.update(task);
    await run(10_000);
    expect(earlier.ranMonoMs).toEqual([startMonoMs + 2000]);
    expect(later.ranMonoMs).toEqual([startMonoMs + 4000]);
  });

  it('has whoever wants the platform wait for a turn while 64 others use it, unlooked at, and in the order in which they came', async () => {
    const others = use(64);
    const waiting = Array.from({ length: 100 }, () => add(3_600_000));
    for (const task of waiting) task.wantsPlatform = true;
    for (const task of waiting) scheduler.update(task);
    scheduler.start();
    await run(10_000);
    expect(waiting.filter(({ looks, ranMonoMs }) => looks !== 1 || ranMonoMs.length > 0)).toEqual([]);
    for (const other of others.slice(0, 2)) {
      other.isBusy = false;
      scheduler.update(other);
    }
    await run(250);
    expect(waiting.map(({ mayUsePlatform }) => mayUsePlatform)).toEqual([
      true,
      true,
      ...Array(98).fill(false),
    ]);
  });

  it('runs what else a task has to do while it waits for the platform', () => {
    use(64);
    const waiting = add(0);
    waiting.wantsPlatform = true;
    scheduler.update(waiting);
    scheduler.start();
    expect(waiting.ranMonoMs).toHaveLength(1);
    expect(waiting.mayUsePlatform).toBe(false);
  });

  /** How many of the tasks have run after each turn of the event loop. */
  const ranAfterTurns = async (tasks: readonly FakeTask[], turns: number): Promise<number[]> => {
    const counts: number[] = [];
    for (let turn = 0; turn < turns; turn += 1) {
      counts.push(tasks.filter(({ ranMonoMs }) => ranMonoMs.length > 0).length);
      await clock.advance(4);
    }
    return counts;
  };

  it('has two tasks begin to use the platform in a turn of the event loop, and the next ones in turns of their own', async () => {
    const tasks = Array.from({ length: 64 }, () => add(0));
    for (const task of tasks) task.beginsUse = true;
    scheduler.start();
    const counts = await ranAfterTurns(tasks, 32);
    expect(counts).toEqual(Array.from({ length: 32 }, (_, turn) => 2 * (turn + 1)));
    const order = tasks.map(({ ranMonoMs: [atMonoMs = 0] }) => atMonoMs);
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  it('begins as slowly with those that waited', async () => {
    const others = use(64);
    const waiting = Array.from({ length: 10 }, () => add(3_600_000));
    for (const task of waiting) task.wantsPlatform = task.beginsUse = true;
    scheduler.start();
    for (const other of others) {
      other.isBusy = false;
      scheduler.update(other);
    }
    scheduler.runDue();
    expect(await ranAfterTurns(waiting, 6)).toEqual([2, 4, 6, 8, 10, 10]);
  });

  it('runs others for 2 ms in a turn', async () => {
    const tasks = Array.from({ length: 40 }, () => add(0));
    for (const task of tasks) task.takesMs = 0.25;
    scheduler.start();
    expect(await ranAfterTurns(tasks, 6)).toEqual([8, 16, 24, 32, 40, 40]);
  });

  it('begins as many in a second where turns are late, as in a process that gets no processor', async () => {
    const tasks = Array.from({ length: 64 }, () => add(0));
    for (const task of tasks) task.beginsUse = true;
    scheduler.start();
    clock.pass(40);
    expect(await ranAfterTurns(tasks, 3)).toEqual([2, 24, 26]);
  });

  it('runs eight others in a turn, however slow they are', async () => {
    const tasks = Array.from({ length: 20 }, () => add(0));
    for (const task of tasks) task.takesMs = 1;
    scheduler.start();
    expect(tasks.filter(({ ranMonoMs }) => ranMonoMs.length > 0)).toHaveLength(8);
  });

  it('goes on at the next tick where turns are late, and runs nothing twice', async () => {
    const tasks = Array.from({ length: 10 }, () => add(0));
    for (const task of tasks) task.beginsUse = true;
    scheduler.start();
    for (let tick = 0; tick < 5; tick += 1) scheduler.runDue();
    await run(500);
    expect(tasks.map(({ ranMonoMs }) => ranMonoMs.length)).toEqual(Array(10).fill(1));
  });

  it('makes up for 100 ms at most after the process stood still', async () => {
    const tasks = Array.from({ length: 1000 }, () => add(0));
    for (const task of tasks) task.takesMs = 0.25;
    scheduler.start();
    const ran = () => tasks.filter(({ ranMonoMs }) => ranMonoMs.length > 0).length;
    expect(ran()).toBe(8);
    clock.pass(10_000);
    scheduler.runDue();
    expect(ran()).toBe(8 + 200);
    await run(1000);
    expect(ran()).toBe(1000);
  });

  it('gives a place that becomes free to who has waited for one, before those that have just become due', async () => {
    const others = use(64);
    const waiting = [add(3_600_000), add(3_600_000), add(3_600_000)];
    for (const task of waiting) task.wantsPlatform = task.beginsUse = true;
    scheduler.start();
    const due = Array.from({ length: 200 }, () => add(0));
    for (const task of due) task.beginsUse = true;
    scheduler.runDue();
    for (const other of others.slice(0, 2)) {
      other.isBusy = false;
      scheduler.update(other);
    }
    await run(1000);
    expect(waiting.map(({ isBusy }) => isBusy)).toEqual([true, true, false]);
    expect(due.filter(({ isBusy }) => isBusy)).toEqual([]);
  });

  it('keeps nothing of due times that are never', () => {
    const task = add(Infinity);
    scheduler.start();
    for (let change = 0; change < 1000; change += 1) {
      task.dueMonoMs = change % 2 === 0 ? clock.monotonicMs() : Infinity;
      scheduler.update(task);
      scheduler.runDue();
    }
    expect(scheduler.size).toBe(0);
  });

  it('runs no task that was removed before its turn', async () => {
    const tasks = Array.from({ length: 4 }, () => add(0));
    for (const task of tasks) task.beginsUse = true;
    scheduler.start();
    for (const task of tasks) scheduler.remove(task);
    await run(500);
    expect(tasks.map(({ ranMonoMs }) => ranMonoMs.length)).toEqual([1, 1, 0, 0]);
  });

  it('looks at no task before the start, however often it changes, and at each once then', () => {
    const tasks = Array.from({ length: 10 }, () => add(1000));
    for (const task of tasks) for (let change = 0; change < 5; change += 1) scheduler.update(task);
    expect(tasks.map(({ looks }) => looks)).toEqual(Array(10).fill(0));
    scheduler.start();
    expect(tasks.map(({ looks }) => looks)).toEqual(Array(10).fill(1));
  });

  it('looks at thousands after the start in turns of 2 ms', async () => {
    const tasks = Array.from({ length: 500 }, () => add(1000));
    for (const task of tasks) task.lookTakesMs = 1 / 64;
    scheduler.start();
    const counts: number[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      counts.push(tasks.filter(({ looks }) => looks > 0).length);
      await clock.advance(4);
    }
    expect(counts).toEqual([128, 256, 384, 500, 500]);
    expect(Math.max(...tasks.map(({ looks }) => looks))).toBe(1);
  });

  it('gives a task that does not use its turn the next one after all others', async () => {
    use(63);
    const waiting = [add(3_600_000), add(3_600_000)];
    for (const task of waiting) task.wantsPlatform = true;
    for (const task of waiting) scheduler.update(task);
    scheduler.start();
    await run(750);
    expect(waiting.map(({ ranMonoMs }) => ranMonoMs.length)).toEqual([2, 2]);
  });

  it('tells every task of a pause that is longer than half a second, due or not', async () => {
    const task = add(3_600_000);
    scheduler.start();
    await run(1000);
    expect(task.pausesMs).toEqual([]);
    await clock.advance(10_000);
    expect(scheduler.sinceLastRunMs(clock.monotonicMs())).toBe(10_000);
    scheduler.runDue();
    expect(task.pausesMs).toEqual([10_000]);
    expect(scheduler.sinceLastRunMs(clock.monotonicMs())).toBe(0);
  });

  it('keeps the order of many due times that are moved again and again', async () => {
    const tasks = Array.from({ length: 200 }, (_, index) => add(1 + ((index * 7919) % 5000)));
    for (const [index, task] of tasks.entries()) {
      if (index % 3 > 0) continue;
      task.dueMonoMs = clock.monotonicMs() + 1 + ((index * 104_729) % 5000);
      scheduler.update(task);
    }
    const planned = tasks.map(({ dueMonoMs }) => dueMonoMs);
    scheduler.start();
    await run(5250);
    expect(tasks.every(({ ranMonoMs }) => ranMonoMs.length === 1)).toBe(true);
    const latenessMs = tasks.map(({ ranMonoMs }, index) => (ranMonoMs[0] ?? 0) - (planned[index] ?? 0));
    expect(Math.min(...latenessMs)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...latenessMs)).toBeLessThan(250);
  });
});
