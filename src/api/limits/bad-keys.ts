import { sourceOf } from './connection-limits.js';
import { TokenBucket } from './token-bucket.js';

/** Those that were seen longest ago are forgotten first. */
const MAX_ADDRESSES = 10_000;
const MINUTE_SECONDS = 60;

/** How many wrong keys each address has sent of late. Bounded, whoever sends from wherever. */
export class BadKeys {
  private readonly buckets = new Map<string, TokenBucket>();

  constructor(private perMinute: number) {}

  configure(perMinute: number): void {
    if (perMinute === this.perMinute) return;
    this.perMinute = perMinute;
    for (const bucket of this.buckets.values()) bucket.configure(perMinute / MINUTE_SECONDS, perMinute);
  }

  /**
   * Counts a wrong key.
   *
   * @returns milliseconds until the address may send the next one; 0: this one was within the limit
   */
  failed(address: string, nowMonoMs: number): number {
    const source = sourceOf(address);
    const bucket =
      this.buckets.get(source) ?? new TokenBucket(this.perMinute / MINUTE_SECONDS, this.perMinute, nowMonoMs);
    this.buckets.delete(source);
    this.buckets.set(source, bucket);
    if (this.buckets.size > MAX_ADDRESSES) {
      for (const oldest of this.buckets.keys()) {
        this.buckets.delete(oldest);
        break;
      }
    }
    return bucket.take(nowMonoMs) ? 0 : bucket.waitMs(nowMonoMs);
  }

  /** Whether the next one would be beyond the limit. */
  isOver(address: string, nowMonoMs: number): boolean {
    const bucket = this.buckets.get(sourceOf(address));
    return bucket !== undefined && bucket.waitMs(nowMonoMs) > 0;
  }
}
