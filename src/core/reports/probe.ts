import type { AppDefinition } from '../app-definition.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { SingleFlight } from '../refresh/single-flight.js';
import type { ProbeAnswer } from '../ports/token-issuer.js';

/** What the platform said of a token, and when. */
export interface Probed extends ProbeAnswer {
  readonly value: string;
  readonly atMonoMs: number;
}

const NO_SUCH_CALL = 'the platform has no call to try a token with';

/** Tries one app's tokens at the platform: once for all who ask at the same time, and remembers the last answer. */
export class TokenProbe {
  private readonly flights = new SingleFlight<string, Probed>();
  private last: Probed | null = null;

  constructor(
    private readonly app: AppDefinition,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events'>,
  ) {}

  /**
   * Joins whoever asks just now; else an answer that is younger than `cacheMs` will do. Never throws.
   *
   * @param caller who wants to know, where it is a person
   */
  async try(value: string, cacheMs: number, timeoutMs: number, caller?: string): Promise<Probed> {
    const { last } = this;
    const isFresh = last?.value === value && this.ports.clock.monotonicMs() - last.atMonoMs < cacheMs;
    return isFresh && !this.flights.isRunning(value)
      ? last
      : this.flights.run(value, () => this.ask(value, timeoutMs, caller));
  }

  private async ask(value: string, timeoutMs: number, caller?: string): Promise<Probed> {
    const { clock, events } = this.ports;
    const startMonoMs = clock.monotonicMs();
    const { issuer } = this.app;
    if (!issuer.probe) return { value, outcome: 'no_answer', message: NO_SUCH_CALL, atMonoMs: startMonoMs };
    const by = caller === undefined ? {} : { caller };
    const controller = new AbortController();
    const cancel = clock.after(timeoutMs, () => {
      controller.abort();
    });
    const answer = await issuer.probe(value, { signal: controller.signal, timeoutMs });
    cancel();
    const atMonoMs = clock.monotonicMs();
    const probed = { value, atMonoMs, ...answer };
    const { outcome, errcode } = answer;
    if (outcome !== 'no_answer') this.last = probed;
    events.emit({
      app: this.app.name,
      kind: 'probed',
      outcome,
      ...(errcode !== undefined && { errcode }),
      durationMs: atMonoMs - startMonoMs,
      ...by,
    });
    return probed;
  }
}

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
  private last: Probed | null = null;
  /** After the last try. */
  private triesLeft = MAX_TRIES;

  /** Milliseconds until the token may be tried, at most 250; `Infinity` when a guess has to be content with the last try. */
  waitMs(value: string, nowMonoMs: number): number {
    if (this.last?.value !== value) return 0;
    if (this.tries(value, nowMonoMs) < 1) return Infinity;
    return Math.max(0, this.last.atMonoMs + SPACING_MS - nowMonoMs);
  }

  /** The last try of this token, if it ended after this time. */
  lastAfter(value: string, monoMs: number): Probed | null {
    return this.last?.value === value && this.last.atMonoMs > monoMs ? this.last : null;
  }

  /** To be called by everybody who shared the try. After one without an answer nobody waits for the next within 10 s. */
  tried(probed: Probed): void {
    if (this.last === probed) return;
    const { value, outcome, atMonoMs } = probed;
    this.triesLeft = outcome === 'no_answer' ? 0 : this.tries(value, atMonoMs) - 1;
    this.last = probed;
  }

  private tries(value: string, nowMonoMs: number): number {
    if (this.last?.value !== value) return MAX_TRIES;
    return Math.min(MAX_TRIES, this.triesLeft + (nowMonoMs - this.last.atMonoMs) / NEXT_TRY_MS);
  }
}
