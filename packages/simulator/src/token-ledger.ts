import { IssuedToken, type Fate } from './issued-token.js';

/** Of older tokens nothing is known any more; they are refused like any unknown one. */
const REMEMBERED = 100_000;

/** Whose token it is, of which kind, who got it, and what it was asked for with. */
export type Issue = Pick<IssuedToken, 'appId' | 'family' | 'issuedTo' | 'details'>;

export interface TokenFilter {
  readonly appId?: string | undefined;
  readonly family?: string | undefined;
}

/** `newest`: no later token of its app and family had been issued by then, whoever asked for it. */
export interface Verdict {
  readonly valid: boolean;
  readonly why: Fate | 'unknown';
  readonly newest: boolean;
}

/** Every token that was ever issued, in order: what the platform checks against, and what the oracle tells from. */
export class TokenLedger {
  readonly #tokens = new Map<string, IssuedToken>();

  /** @param newValue makes the text of a token, a new one at every call */
  constructor(private readonly newValue: () => string) {}

  mint({ appId, family, issuedTo, details }: Issue, nowMs: number, lifeMs: number): IssuedToken {
    const value = this.newValue();
    const token = new IssuedToken(value, appId, family, issuedTo, nowMs, nowMs + lifeMs, details);
    this.#tokens.set(value, token);
    for (const oldest of this.#tokens.keys()) {
      if (this.#tokens.size <= REMEMBERED) break;
      this.#tokens.delete(oldest);
    }
    return token;
  }

  find(value: string): IssuedToken | undefined {
    return this.#tokens.get(value);
  }

  list({ appId, family }: TokenFilter = {}): IssuedToken[] {
    return [...this.#tokens.values()].filter(
      (token) => (appId ?? token.appId) === token.appId && (family ?? token.family) === token.family,
    );
  }

  verdict(value: string, atMs: number): Verdict {
    const token = this.find(value);
    if (!token) return { valid: false, why: 'unknown', newest: false };
    const why = token.fateAt(atMs);
    const newest = this.list(token).findLast((other) => other.issuedAtMs <= atMs);
    return { valid: why === 'valid', why, newest: newest === token };
  }
}
