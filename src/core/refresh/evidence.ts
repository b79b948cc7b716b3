import type { AppDefinition } from '../app-definition.js';
import type { Clock } from '../ports/clock.js';
import type { ProbeOutcome } from '../ports/token-issuer.js';
import type { HeldToken } from '../token.js';
import { graceMsOf, returnedDeadWaitMs } from './policy.js';

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

/** What it needs to know of the memory. */
interface Current {
  readonly token: HeldToken | null;
  readonly generation: number;
  readonly nextDayWaitMs: number;
  storeNowMs(): number;
}

interface DeadToken {
  readonly value: string;
  readonly why: string;
  readonly atMs: number;
  readonly untilMonoMs: number;
  /** Fetches that brought it back. */
  readonly tries: number;
  readonly nextTryMonoMs: number;
}

/** A token in use that the platform refuses and that cannot be replaced. */
interface KnownDead {
  readonly why: string;
  /** Since when, on the store's clock. */
  readonly atMs: number;
  /** The platform returns it at every fetch, until it expires. */
  readonly isReturned: boolean;
  /** Milliseconds until a report leads to another fetch. */
  readonly waitMs: number;
}

/** What reports and probes say against the current token, as long as nothing can be done about it. */
export class ReportedToken {
  private contested: {
    readonly generation: number;
    readonly atMs: number;
    readonly untilMonoMs: number;
  } | null = null;
  private dead: DeadToken | null = null;

  constructor(
    private readonly current: Current,
    private readonly clock: Clock,
  ) {}

  /** Callers report this token, and it is too young for that to be looked into. */
  contest({ record: { generation } }: HeldToken, forMs: number): void {
    if (this.contested?.generation === generation) return;
    this.contested = {
      generation,
      atMs: this.current.storeNowMs(),
      untilMonoMs: this.clock.monotonicMs() + forMs,
    };
  }

  /** When the current token was first reported too young. */
  get contestedAtMs(): number {
    return this.contested?.atMs ?? 0;
  }

  /** Milliseconds until a report of the current token is looked into; 0 while no report waits for that. */
  get contestedMs(): number {
    const { contested } = this;
    if (contested?.generation !== this.current.generation) return 0;
    return Math.max(0, contested.untilMonoMs - this.clock.monotonicMs());
  }

  /** The platform refuses the current token, and the day's budget leaves no fetch to replace it. */
  markDead({ record: { value } }: HeldToken, why: string): void {
    const untilMonoMs = this.clock.monotonicMs() + this.current.nextDayWaitMs;
    this.dead = {
      value,
      why,
      atMs: this.current.storeNowMs(),
      untilMonoMs,
      tries: 0,
      nextTryMonoMs: -Infinity,
    };
  }

  /** The platform refuses the current token, returns it again all the same, and cannot be made to replace it. */
  markReturnedDead({ record: { value } }: HeldToken): void {
    const before = this.dead?.value === value ? this.dead : null;
    const tries = (before?.tries ?? 0) + 1;
    this.dead = {
      value,
      why: 'the platform returns it again at every fetch',
      atMs: before?.atMs ?? this.current.storeNowMs(),
      untilMonoMs: Infinity,
      tries,
      nextTryMonoMs: this.clock.monotonicMs() + returnedDeadWaitMs(tries),
    };
  }

  /** The platform takes the token after all. */
  markAlive({ record: { value } }: HeldToken): void {
    if (this.dead?.value === value) this.dead = null;
  }

  /** Why a current token that the platform refuses is not replaced; null if nothing is known of the kind. */
  get knownDead(): KnownDead | null {
    const { dead } = this;
    const nowMonoMs = this.clock.monotonicMs();
    if (!dead || dead.value !== this.current.token?.record.value || nowMonoMs >= dead.untilMonoMs)
      return null;
    const { why, atMs, tries, nextTryMonoMs } = dead;
    return { why, atMs, isReturned: tries > 0, waitMs: Math.max(0, nextTryMonoMs - nowMonoMs) };
  }
}
