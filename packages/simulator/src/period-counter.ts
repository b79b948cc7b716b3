/** Counts up to a limit within one period (a minute, a day, a month) and starts again in the next. */
export class PeriodCounter {
  #period = Number.NaN;
  #used = 0;

  constructor(
    readonly limit: number,
    private readonly periodOf: (ms: number) => number,
  ) {}

  used(nowMs: number): number {
    return this.periodOf(nowMs) === this.#period ? this.#used : 0;
  }

  isSpent(nowMs: number): boolean {
    return this.used(nowMs) >= this.limit;
  }

  count(nowMs: number): void {
    this.#used = this.used(nowMs) + 1;
    this.#period = this.periodOf(nowMs);
  }

  clear(): void {
    this.#used = 0;
  }
}
