import type { Calendar } from './calendar.js';
import type { IssuedToken } from '../issued-token.js';
import { PeriodCounter } from '../period-counter.js';
import { Refusal } from '../refusal.js';
import type { Settings } from './settings.js';
import type { TokenLedger } from '../token-ledger.js';

const SECOND_MS = 1000;

/**
 * The tokens of `POST /cgi-bin/stable_token`: the same one again until the grace or less remains, then a new one while the
 * old lives to its end. A forced refresh replaces it and kills what lives.
 */
export class StableFamily {
  /** Ordinary calls hand out the current token although it is dead, until it is due or a refresh is forced. */
  sticky = false;
  readonly #forced: PeriodCounter;
  #current: IssuedToken | undefined;
  #previous: IssuedToken | undefined;
  #lastForceMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly appId: string,
    private readonly ledger: TokenLedger,
    private readonly settings: Settings,
    calendar: Calendar,
  ) {
    this.#forced = new PeriodCounter(settings.forceQuota, (ms) => calendar.day(ms));
  }

  get current(): IssuedToken | undefined {
    return this.#current;
  }

  issue(issuedTo: IssuedToken['issuedTo'], nowMs: number, force: boolean): IssuedToken {
    if (force && this.#mayForce(nowMs)) {
      this.#lastForceMs = nowMs;
      this.#forced.count(nowMs);
      for (const token of [this.#current, this.#previous]) {
        token?.endAt(nowMs + this.settings.stableForceGraceMs, 'forced');
      }
    } else if (this.#current && this.#isHandedOutAgain(this.#current, nowMs)) {
      return this.#current;
    }
    this.#previous = this.#current;
    this.#current = this.ledger.mint(
      { appId: this.appId, family: 'stable', issuedTo },
      nowMs,
      this.settings.lifeMs,
    );
    return this.#current;
  }

  /** Too soon after the last one is an ordinary call by the documentation; the rest is not documented. */
  #mayForce(nowMs: number): boolean {
    if (nowMs - this.#lastForceMs < this.settings.forceIntervalMs) {
      if (this.settings.forceTooSoon === 'error') throw new Refusal(45011);
      return false;
    }
    if (this.#forced.isSpent(nowMs)) throw new Refusal(45009);
    return true;
  }

  #isHandedOutAgain(token: IssuedToken, nowMs: number): boolean {
    const remainingMs = token.expiresAtMs - nowMs;
    const due = remainingMs <= this.settings.graceMs || remainingMs < SECOND_MS;
    return !due && (this.sticky || token.fateAt(nowMs) === 'valid');
  }
}
