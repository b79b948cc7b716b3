import type { IssuedToken } from '../issued-token.js';
import { RateLimit } from '../rate-limit.js';
import type { TokenLedger } from '../token-ledger.js';
import { OauthError } from './oauth-error.js';
import type { Oauth2Settings, SimulatedClient } from './settings.js';

const MINUTE_MS = 60_000;

interface Chain {
  current?: IssuedToken;
  overlapping?: IssuedToken | undefined;
  /** Fetches go on handing out the current token although it died early, until its expiry. */
  comesBack: boolean;
}

/** What the server keeps for one client. */
export class Client {
  readonly clientId: string;
  readonly scopes: readonly string[] | undefined;
  readonly fetches: RateLimit;
  /** Knows its secret and may not use the grant all the same. */
  unauthorized = false;
  clientSecret: string;
  /** Tokens of one scope and one set of parameters replace and repeat each other; others are none of their business. */
  readonly #chains = new Map<string, Chain>();

  constructor(
    client: SimulatedClient,
    private readonly ledger: TokenLedger,
    private readonly settings: Oauth2Settings,
  ) {
    this.clientId = client.clientId;
    this.clientSecret = client.clientSecret;
    this.scopes = client.scopes;
    this.fetches = new RateLimit(settings.minuteQuota, MINUTE_MS);
  }

  /** What is granted to a request for a scope; undefined when nothing was asked for and there is no default. */
  grantedScope(asked: string | undefined): string | undefined {
    if (asked === undefined) return this.scopes?.join(' ');
    const wanted = asked.split(' ').filter((one) => one !== '');
    if (wanted.length === 0 || wanted.some((one) => this.scopes?.includes(one) === false)) {
      throw new OauthError('invalid_scope', 'The scope is unknown or not granted to the client');
    }
    return asked;
  }

  /** The newest token of each scope. */
  get current(): IssuedToken[] {
    return [...this.#chains.values()].flatMap(({ current }) => current ?? []);
  }

  /** `details`: the scope and the extra parameters of the request. */
  issue(
    issuedTo: IssuedToken['issuedTo'],
    details: Readonly<Record<string, string>>,
    nowMs: number,
  ): IssuedToken {
    const { issuance, lifeMs, overlapMs } = this.settings;
    const family = details.scope ?? '';
    const key = JSON.stringify(Object.entries(details).sort());
    const chain = this.#chains.get(key) ?? { comesBack: false };
    this.#chains.set(key, chain);
    if (chain.current && this.#isHandedOutAgain(chain, chain.current, nowMs)) {
      if (issuance === 'renews') chain.current.extendTo(nowMs + lifeMs);
      return chain.current;
    }
    const before = chain.current;
    if (issuance === 'replaces') {
      chain.overlapping?.endAt(nowMs, 'overwritten');
      before?.endAt(nowMs + overlapMs, 'overwritten');
      chain.overlapping = before;
    }
    chain.comesBack = false;
    return (chain.current = this.ledger.mint(
      { appId: this.clientId, family, issuedTo, details },
      nowMs,
      lifeMs,
    ));
  }

  /** Says what later fetches do about a token that died early. */
  setComesBack(token: IssuedToken, comesBack: boolean): void {
    for (const chain of this.#chains.values()) {
      if (chain.current === token) chain.comesBack = comesBack;
    }
  }

  #isHandedOutAgain(chain: Chain, token: IssuedToken, nowMs: number): boolean {
    const { issuance, freshWithinMs } = this.settings;
    if (issuance === 'independent' || issuance === 'replaces') return false;
    const isDue = nowMs >= token.expiresAtMs - (issuance === 'repeats' ? freshWithinMs : 0);
    return !isDue && (chain.comesBack || token.fateAt(nowMs) === 'valid');
  }
}
