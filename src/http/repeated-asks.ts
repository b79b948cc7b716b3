/** An asker that was wrong is next believed after this long, and then twice as long each time. */
const FIRST_REST_MS = 1000;
/** No more, because many callers may look like one: behind a proxy, or with one key on one machine. */
const LONGEST_REST_MS = 10_000;
const MOST_ASKERS = 10_000;

interface Given {
  /** Names the token's value, as `TokenRecord.since`. */
  readonly since: number;
  readonly restMs: number;
  readonly believedFromMonoMs: number;
}

/**
 * Who was given which token. SDKs keep a token for as long as they are told to, so one that asks again for the token that
 * it has was probably refused with it, and cannot say so: the endpoint that it asks has no word for that. Those that keep
 * nothing ask all the time and are soon no longer believed, until they have been quiet for a while.
 */
export class RepeatedAsks {
  private readonly given = new Map<string, Given>();

  /** Notes that this token is given out now, or was before. Returns whether the asker is to be believed that it is dead. */
  isDoubt(asker: string, since: number, nowMonoMs: number): boolean {
    const last = this.given.get(asker);
    if (last?.since === since) return nowMonoMs >= last.believedFromMonoMs;
    this.note(asker, { since, restMs: FIRST_REST_MS, believedFromMonoMs: nowMonoMs });
    return false;
  }

  /** The token that it asked again for is good. */
  wasWrong(asker: string, since: number, nowMonoMs: number): void {
    const last = this.given.get(asker);
    if (last?.since !== since || nowMonoMs < last.believedFromMonoMs) return;
    const wasQuiet = nowMonoMs - last.believedFromMonoMs > LONGEST_REST_MS;
    const restMs = wasQuiet ? FIRST_REST_MS : last.restMs;
    this.note(asker, {
      since,
      restMs: Math.min(LONGEST_REST_MS, 2 * restMs),
      believedFromMonoMs: nowMonoMs + restMs,
    });
  }

  /** Forgets whoever was noted longest ago when there are too many. */
  private note(asker: string, given: Given): void {
    this.given.delete(asker);
    this.given.set(asker, given);
    if (this.given.size <= MOST_ASKERS) return;
    const [oldest = asker] = this.given.keys();
    this.given.delete(oldest);
  }
}
