/** How a token ended. `overwritten`: a later one of its family, after the overlap. `forced`: a forced refresh. */
export type Death = 'expired' | 'overwritten' | 'killed' | 'forced';

export type Fate = 'valid' | 'not_yet_issued' | Death;

/** One token and its span of life, which is known for every past instant. */
export class IssuedToken {
  /** An intact answer with this token was written to an open connection. */
  delivered: boolean;
  /** How often it was tried after it had been overwritten; see `flakyOverlap`. */
  lateTries = 0;
  #expiresAtMs: number;
  #endsAtMs: number;
  #death: Death = 'expired';

  constructor(
    readonly value: string,
    readonly appId: string,
    /** The kind of token: those of one app and family replace or repeat each other. */
    readonly family: string,
    readonly issuedTo: 'caller' | 'other',
    readonly issuedAtMs: number,
    expiresAtMs: number,
    /** What it was asked for with, where that is anything. */
    readonly details?: Readonly<Record<string, string>>,
  ) {
    this.#expiresAtMs = expiresAtMs;
    this.#endsAtMs = expiresAtMs;
    this.delivered = issuedTo === 'other';
  }

  /** The end of its natural life. */
  get expiresAtMs(): number {
    return this.#expiresAtMs;
  }

  /** When it ends as things stand; moves to an earlier instant that has not passed, unless its life is renewed. */
  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  /** The platform renews its life. One that was ended stays so. */
  extendTo(ms: number): void {
    if (this.#endsAtMs === this.#expiresAtMs) this.#endsAtMs = ms;
    this.#expiresAtMs = ms;
  }

  endAt(ms: number, death: Death): void {
    if (ms >= this.#endsAtMs) return;
    this.#endsAtMs = ms;
    this.#death = death;
  }

  fateAt(ms: number): Fate {
    if (ms < this.issuedAtMs) return 'not_yet_issued';
    return ms < this.#endsAtMs ? 'valid' : this.#death;
  }
}
