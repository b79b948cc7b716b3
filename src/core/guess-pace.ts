import type { ProbeOutcome } from './token-issuer.js';

/** Between two tries of a token; doubled after each that ends as the one before, while the guesses go on. */
const FIRST_REST_MS = 250;
const MAX_REST_MS = 10_000;

/**
 * How often a token is tried that nobody says is dead. Counted by token, not by who asks: a burst of guesses costs one
 * try, guesses without end cost one in 10 s, and each new token may be tried at once.
 */
export class GuessPace {
  private last: { readonly value: string; readonly outcome: ProbeOutcome } | null = null;
  private restMs = FIRST_REST_MS;
  private nextMonoMs = -Infinity;

  /** The outcome that a guess has to be content with, or null when the token may be tried. */
  outcome(value: string, nowMonoMs: number): ProbeOutcome | null {
    return this.last?.value === value && nowMonoMs < this.nextMonoMs ? this.last.outcome : null;
  }

  /** To be called by everybody who shared the try. */
  tried(value: string, outcome: ProbeOutcome, nowMonoMs: number): void {
    if (this.outcome(value, nowMonoMs) !== null) return;
    this.restMs = outcome === 'no_answer' ? MAX_REST_MS : this.nextRestMs(value, outcome, nowMonoMs);
    this.nextMonoMs = nowMonoMs + this.restMs;
    this.last = { value, outcome };
  }

  private nextRestMs(value: string, outcome: ProbeOutcome, nowMonoMs: number): number {
    const isSame = this.last?.value === value && this.last.outcome === outcome;
    const goesOn = isSame && nowMonoMs - this.nextMonoMs < MAX_REST_MS;
    return goesOn ? Math.min(MAX_REST_MS, 2 * this.restMs) : FIRST_REST_MS;
  }
}
