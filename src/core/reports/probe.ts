import type { AppDefinition } from '../app-definition.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { sleep, withDeadline } from '../ports/clock.js';
import type { ProbeClaim, ProbedToken } from '../ports/shared-probes.js';
import type { ProbeAnswer } from '../ports/token-issuer.js';
import { suspectReasonOf } from '../refresh/policy.js';
import { SingleFlight } from '../refresh/scheduler.js';
import type { StoreHealth } from '../refresh/store-sync.js';
import type { TokenMemory } from '../refresh/token-memory.js';
import type { AppName, HeldToken, TokenRecord } from '../token.js';

/** What the platform said of a token, and when. */
export interface Probed extends ProbeAnswer {
  readonly value: string;
  readonly atMonoMs: number;
}

const NO_SUCH_CALL = 'the platform has no call to try a token with';

export interface ProbeOptions {
  /** An answer that is younger will do. */
  readonly cacheMs: number;
  readonly timeoutMs: number;
  /** Who wants to know, where it is a person. */
  readonly caller?: string;
  /** Through it one replica asks for all that want to know at the same time. Left out: this one asks itself. */
  readonly storeHealth?: StoreHealth;
}

/** How often it is looked whether the replica that asks has its answer. */
const POLL_MS = 50;
/** For the way to the store and back. */
const CLAIM_SLACK_MS = 1000;
/** For those who report at the same time. A token of a few seconds may be refused only because the platform has not spread it yet. */
const REFUSAL_KEPT_MS = 2000;

/** Tries one app's tokens at the platform: once for all who ask at the same time, and remembers the last answer. */
export class TokenProbe {
  private readonly flights = new SingleFlight<string, Probed>();
  private last: Probed | null = null;

  constructor(
    private readonly app: AppDefinition,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events' | 'probes'>,
  ) {}

  /** Joins a try that is under way; otherwise a young answer will do. Never throws. */
  async try(token: TokenRecord, options: ProbeOptions): Promise<Probed> {
    const { value } = token;
    const { last } = this;
    const isFresh = last?.value === value && this.ports.clock.monotonicMs() - last.atMonoMs < options.cacheMs;
    if (isFresh && !this.flights.isRunning(value)) return last;
    const { storeHealth, caller } = options;
    // A person wants to know what the platform says, and not what another replica was told.
    return this.flights.run(caller === undefined ? value : `${caller} ${value}`, () =>
      storeHealth && this.app.issuer.probe
        ? this.askForAll(token, storeHealth, options)
        : this.ask(value, options),
    );
  }

  /**
   * Asks, unless another replica does: its refusal counts here too. That it was accepted counts for that replica alone, since the
   * token may have died in between.
   */
  private async askForAll(
    { value, since }: TokenRecord,
    storeHealth: StoreHealth,
    options: ProbeOptions,
  ): Promise<Probed> {
    const { clock } = this.ports;
    const { timeoutMs } = options;
    const token = { app: this.app, value, since };
    const startMonoMs = clock.monotonicMs();
    const waitedMs = (): number => clock.monotonicMs() - startMonoMs;
    const ask = (): Promise<Probed> => this.ask(value, { ...options, timeoutMs: timeoutMs - waitedMs() });
    let seen: string | null = null;
    while (waitedMs() < timeoutMs / 2) {
      const claim = await this.claim(token, timeoutMs + CLAIM_SLACK_MS, storeHealth);
      if (claim?.kind === 'ours') {
        const probed = await ask();
        const isRefused = probed.outcome === 'rejected';
        void storeHealth
          .call(() => this.ports.probes.finish(claim.attempt, isRefused, REFUSAL_KEPT_MS))
          .catch(() => undefined);
        return probed;
      }
      if (claim?.kind !== 'theirs') break;
      if (claim.isRefused) return this.note(value, { outcome: 'rejected' });
      // Another one than the one that was waited for, which was told of no refusal.
      seen ??= claim.id;
      if (claim.id !== seen) break;
      await sleep(clock, POLL_MS);
    }
    return ask();
  }

  /** Null where the store does not say. */
  private async claim(
    token: ProbedToken,
    durationMs: number,
    storeHealth: StoreHealth,
  ): Promise<ProbeClaim | null> {
    if (storeHealth.isOpen) return null;
    const claim = await storeHealth.call(() => this.ports.probes.claim(token, durationMs)).catch(() => null);
    return claim?.kind === 'store_unavailable' ? null : claim;
  }

  private async ask(value: string, { timeoutMs, caller }: ProbeOptions): Promise<Probed> {
    const { clock, events } = this.ports;
    const startMonoMs = clock.monotonicMs();
    const { issuer } = this.app;
    if (!issuer.probe) return { value, outcome: 'no_answer', message: NO_SUCH_CALL, atMonoMs: startMonoMs };
    const by = caller === undefined ? {} : { caller };
    const probe = issuer.probe.bind(issuer, value);
    const answer = await withDeadline(clock, timeoutMs, probe);
    const probed = this.note(value, answer);
    const { outcome, errcode } = answer;
    events.emit({
      app: this.app.name,
      kind: 'probed',
      outcome,
      ...(errcode !== undefined && { errcode }),
      durationMs: probed.atMonoMs - startMonoMs,
      ...by,
    });
    return probed;
  }

  private note(value: string, answer: ProbeAnswer): Probed {
    const probed = { value, atMonoMs: this.ports.clock.monotonicMs(), ...answer };
    if (answer.outcome !== 'no_answer') this.last = probed;
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

  /** Everybody who shared the try calls this. After a try without an answer nobody waits for the next one within 10 s. */
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

/** A younger token may be refused because the platform has not spread it yet. */
const SPREADING_MS = 5000;

/**
 * Finds tokens that died early: somebody else fetches with the same AppSecret, or had the platform withdraw the token.
 *
 * That is said of a token that the platform refused to a probe, which is the only evidence; that was older than 5 s
 * and not yet due for its refresh; while no fetch of ours was open or in doubt that could have killed it; and whose
 * successor this replica fetched and stored. So it is said once, by one replica, and never of a token that nobody could
 * replace.
 */
export class ForeignFetch {
  private reported = 0;

  constructor(
    private readonly app: AppName,
    private readonly memory: TokenMemory,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events' | 'replica'>,
  ) {}

  /** The platform just refused this token to a probe. Call what this returns, if anything, when the replacement has ended. */
  examine(dead: HeldToken): (() => void) | null {
    const { memory } = this;
    const { generation, issuedAtMs } = dead.record;
    const ageMs = memory.storeNowMs() - issuedAtMs;
    const leftMs = dead.deadlineMonoMs - this.ports.clock.monotonicMs();
    const isOurs =
      memory.generation !== generation || (memory.view !== null && suspectReasonOf(memory.view) !== null);
    if (isOurs || memory.isDue || ageMs < SPREADING_MS) return null;
    return () => {
      if (this.reported === generation || !this.hasReplaced(dead)) return;
      this.reported = generation;
      this.ports.events.emit({ app: this.app, kind: 'died_early', generation, ageMs, leftMs });
    };
  }

  private hasReplaced(dead: HeldToken): boolean {
    const stored = this.memory.view?.record;
    return (
      stored?.owner === this.ports.replica && stored.reason === 'report' && stored.value !== dead.record.value
    );
  }
}
