import type { Clock } from '../../core/ports/clock.js';

const PERIOD_MS = 1000;

/** Makes something at most once a second, however many ask for it: work that anybody can order without a key. */
export class OnceASecond<T> {
  private made: { readonly value: T; readonly of: unknown; readonly atMonoMs: number } | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly make: () => T,
  ) {}

  /** @param of what the value depends on: when it differs from the last time, the value is made anew at once */
  get(of?: unknown): T {
    const atMonoMs = this.clock.monotonicMs();
    const { made } = this;
    if (made !== undefined && made.of === of && atMonoMs - made.atMonoMs < PERIOD_MS) return made.value;
    const value = this.make();
    this.made = { value, of, atMonoMs };
    return value;
  }
}
