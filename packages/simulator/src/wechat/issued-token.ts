/** `classic`: GET /cgi-bin/token. `stable`: POST /cgi-bin/stable_token. They live side by side. */
export type Family = 'classic' | 'stable';

/** How a token ended. `overwritten`: a later one of its family, after the overlap. `forced`: a forced refresh. */
export type Death = 'expired' | 'overwritten' | 'killed' | 'forced';

export type Fate = 'valid' | 'not_yet_issued' | Death;

/** One token and its span of life, which is known for every past instant. */
export class IssuedToken {
  /** An intact answer with this token was written to an open connection. */
  delivered: boolean;
  /** How often it was tried after it had been overwritten; see `flakyOverlap`. */
  lateTries = 0;
  #endsAtMs: number;
  #death: Death = 'expired';

  constructor(
    readonly value: string,
    readonly appId: string,
    readonly family: Family,
    readonly issuedTo: 'caller' | 'other',
    readonly issuedAtMs: number,
    /** The end of its natural life. */
    readonly expiresAtMs: number,
  ) {
    this.#endsAtMs = expiresAtMs;
    this.delivered = issuedTo === 'other';
  }

  /** When it ends as things stand; only ever moves to an earlier instant that has not passed. */
  get endsAtMs(): number {
    return this.#endsAtMs;
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
