/** Lets through `burst` at once, and `perSecond` on average. */
export class TokenBucket {
  private tokens: number;

  constructor(
    private perSecond: number,
    private burst: number,
    private atMonoMs: number,
  ) {
    this.tokens = burst;
  }

  /** What was used stays used. */
  configure(perSecond: number, burst: number): void {
    this.tokens += burst - this.burst;
    this.perSecond = perSecond;
    this.burst = burst;
  }

  /** Called on the hot path. */
  take(nowMonoMs: number): boolean {
    this.fill(nowMonoMs);
    if (this.tokens < 1) return false;
    this.tokens -= 1;
    return true;
  }

  /** Milliseconds until `take` succeeds; 0 for now. */
  waitMs(nowMonoMs: number): number {
    this.fill(nowMonoMs);
    return Math.max(0, ((1 - this.tokens) / this.perSecond) * 1000);
  }

  isFull(nowMonoMs: number): boolean {
    this.fill(nowMonoMs);
    return this.tokens >= this.burst;
  }

  private fill(nowMonoMs: number): void {
    const passedMs = nowMonoMs - this.atMonoMs;
    if (passedMs <= 0) return;
    this.tokens = Math.min(this.burst, this.tokens + (passedMs / 1000) * this.perSecond);
    this.atMonoMs = nowMonoMs;
  }
}
