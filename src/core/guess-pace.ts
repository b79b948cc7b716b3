import type { ProbeOutcome } from './token-issuer.js';

/** So that a burst of guesses costs one try. */
const SPACING_MS = 250;
const MAX_TRIES = 10;
/** So that guesses without end cost 8,640 tries a day. */
const NEXT_TRY_MS = 10_000;

/**
 * How often a token is tried that nobody says is dead. Counted by token, not by who asks: each new token has ten tries,
 * and one more every 10 s.
 */
export class GuessPace {
  private last: { readonly value: string; readonly outcome: ProbeOutcome; readonly atMonoMs: number } | null =
    null;
  /** After the last try. */
  private triesLeft = MAX_TRIES;

  /** The outcome that a guess has to be content with, or null when the token may be tried. */
  outcome(value: string, nowMonoMs: number): ProbeOutcome | null {
    if (this.last?.value !== value) return null;
    const mayTry = nowMonoMs - this.last.atMonoMs >= SPACING_MS && this.tries(value, nowMonoMs) >= 1;
    return mayTry ? null : this.last.outcome;
  }

  /** To be called by everybody who shared the try. After one without an answer nobody waits for the next within 10 s. */
  tried(value: string, outcome: ProbeOutcome, nowMonoMs: number): void {
    if (this.outcome(value, nowMonoMs) !== null) return;
    this.triesLeft = outcome === 'no_answer' ? 0 : this.tries(value, nowMonoMs) - 1;
    this.last = { value, outcome, atMonoMs: nowMonoMs };
  }

  private tries(value: string, nowMonoMs: number): number {
    if (this.last?.value !== value) return MAX_TRIES;
    return Math.min(MAX_TRIES, this.triesLeft + (nowMonoMs - this.last.atMonoMs) / NEXT_TRY_MS);
  }
}
