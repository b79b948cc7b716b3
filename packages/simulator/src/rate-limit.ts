/** So many calls in a period that begins with the first of them; one too many is refused, and all that follow for as long again. */
export class RateLimit {
  #periodEndsAtMs = Number.NEGATIVE_INFINITY;
  #blockedUntilMs = Number.NEGATIVE_INFINITY;
  #used = 0;

  constructor(
    private readonly limit: number,
    private readonly periodMs: number,
  ) {}

  /** How long calls are still refused, 0 for not at all. Counts nothing; a call that finds the limit reached begins the block. */
  blockedForMs(nowMs: number): number {
    if (nowMs >= this.#blockedUntilMs && nowMs < this.#periodEndsAtMs && this.#used >= this.limit) {
      this.#blockedUntilMs = nowMs + this.periodMs;
      this.#periodEndsAtMs = nowMs;
    }
    return Math.max(0, this.#blockedUntilMs - nowMs);
  }

  count(nowMs: number): void {
    if (nowMs >= this.#periodEndsAtMs) {
      this.#periodEndsAtMs = nowMs + this.periodMs;
      this.#used = 0;
    }
    this.#used++;
  }
}

/** A limit for each key that is seen. */
export class RateLimits {
  readonly #limits = new Map<string, RateLimit>();

  constructor(
    private readonly limit: number,
    private readonly periodMs: number,
  ) {}

  of(key: string): RateLimit {
    const known = this.#limits.get(key);
    if (known) return known;
    const limit = new RateLimit(this.limit, this.periodMs);
    this.#limits.set(key, limit);
    return limit;
  }
}

/** Counts one call against each of the limits. False, and nothing is counted, when one of them is reached. */
export function countAgainst(limits: readonly RateLimit[], nowMs: number): boolean {
  if (limits.some((limit) => limit.blockedForMs(nowMs) > 0)) return false;
  for (const limit of limits) limit.count(nowMs);
  return true;
}
