import type { IssuedToken } from '../issued-token.js';
import type { Settings } from './settings.js';
import type { TokenLedger } from '../token-ledger.js';

/**
 * The tokens of `GET /cgi-bin/token`: every call mints. The token before lives on for the grace, or to its own expiry if
 * that comes first; the one before that is dead at once (the platform documents nothing; this is the harsher reading).
 */
export class ClassicFamily {
  #current: IssuedToken | undefined;
  #overlapping: IssuedToken | undefined;

  constructor(
    private readonly appId: string,
    private readonly ledger: TokenLedger,
    private readonly settings: Settings,
  ) {}

  get current(): IssuedToken | undefined {
    return this.#current;
  }

  issue(issuedTo: IssuedToken['issuedTo'], nowMs: number): IssuedToken {
    this.#overlapping?.endAt(nowMs, 'overwritten');
    this.#current?.endAt(nowMs + this.settings.graceMs, 'overwritten');
    this.#overlapping = this.#current;
    this.#current = this.ledger.mint(
      { appId: this.appId, family: 'classic', issuedTo },
      nowMs,
      this.settings.lifeMs,
    );
    return this.#current;
  }
}
