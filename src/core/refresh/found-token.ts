import type { AppDefinition } from '../app-definition.js';
import type { Clock } from '../ports/clock.js';
import { graceMsOf, type ProbeOutcome } from '../ports/token-issuer.js';

/** Five minutes, at the usual reconcile interval. */
const MAX_UNANSWERED_RETRIES = 6;

/**
 * A token of which only the store says that it is the newest, and when it is to be tried at the platform. Whoever can write
 * to the store may have put back one that is dead since, so it is tried before it is served. A platform whose fetch
 * replaces the token before it goes on accepting that one for a while: the first try cannot tell, and there are later ones.
 */
export class FoundToken {
  private wasTried = false;
  private isAnswered = false;
  private retriesMonoMs: readonly number[] = [];

  constructor(
    readonly generation: number,
    private readonly app: AppDefinition,
    private readonly clock: Clock,
  ) {}

  /** It must not be served yet. */
  get isUntried(): boolean {
    return !this.wasTried;
  }

  get isRetryDue(): boolean {
    const [atMonoMs = Infinity] = this.retriesMonoMs;
    return this.clock.monotonicMs() >= atMonoMs;
  }

  get nextMonoMs(): readonly number[] {
    return this.retriesMonoMs;
  }

  /** What came of a try that did not refuse it. @param dueMonoMs when the token is replaced anyhow */
  passed(outcome: Exclude<ProbeOutcome, 'rejected'>, dueMonoMs: number): void {
    const wasAnswered = this.isAnswered;
    this.isAnswered ||= outcome === 'accepted';
    if (this.isAnswered && !wasAnswered) this.retriesMonoMs = this.retriesInOverlap(dueMonoMs);
    else if (this.wasTried) this.retriesMonoMs = this.retriesMonoMs.slice(1);
    else this.retriesMonoMs = this.retriesUntilAnswered();
    this.wasTried = true;
  }

  /** The platform may be away for a while: after a reconcile interval, with pauses that double. */
  private retriesUntilAnswered(): readonly number[] {
    const nowMonoMs = this.clock.monotonicMs();
    const { reconcileMs } = this.app.refresh;
    return Array.from(
      { length: MAX_UNANSWERED_RETRIES },
      (_, index) => nowMonoMs + (2 ** (index + 1) - 1) * reconcileMs,
    );
  }

  /** In the middle and at the end of the overlap, or of the time until the refresh, which makes a try needless. */
  private retriesInOverlap(dueMonoMs: number): readonly number[] {
    const graceMs = graceMsOf(this.app.issuer.rule);
    if (graceMs === Infinity) return [];
    const nowMonoMs = this.clock.monotonicMs();
    const overlapMs = Math.min(graceMs, dueMonoMs - nowMonoMs);
    return [nowMonoMs + overlapMs / 2, nowMonoMs + overlapMs].filter((atMonoMs) => atMonoMs < dueMonoMs);
  }
}
