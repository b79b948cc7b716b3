import type { Clock } from '../../core/ports/clock.js';

/** How many entries are looked at for their end whenever one is added. */
const SWEPT_PER_SET = 4;

/** Entries that end by themselves. When there are too many, the oldest go first. */
export class ExpiringMap<Value> {
  /** Who was set last stands last. */
  private readonly entries = new Map<string, { readonly value: Value; readonly untilMonoMs: number }>();
  private sweep: IterableIterator<[string, { readonly untilMonoMs: number }]> | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly max: number,
  ) {}

  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    return entry && entry.untilMonoMs > this.clock.monotonicMs() ? entry.value : undefined;
  }

  set(key: string, value: Value, lifeMs: number): void {
    this.sweepSome();
    this.entries.delete(key);
    this.entries.set(key, { value, untilMonoMs: this.clock.monotonicMs() + lifeMs });
    for (const oldest of this.entries.keys()) {
      if (this.entries.size <= this.max) break;
      this.entries.delete(oldest);
    }
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  get size(): number {
    return this.entries.size;
  }

  /** Goes on through the entries, a few at a time, and begins anew at the end. */
  private sweepSome(): void {
    const nowMonoMs = this.clock.monotonicMs();
    for (let count = 0; count < SWEPT_PER_SET; count += 1) {
      this.sweep ??= this.entries.entries();
      const next = this.sweep.next();
      if (next.done) {
        this.sweep = null;
        return;
      }
      const [key, { untilMonoMs }] = next.value;
      if (untilMonoMs <= nowMonoMs) this.entries.delete(key);
    }
  }
}
