import { randomBytes } from 'node:crypto';
import type { IssuedToken } from '../issued-token.js';
import { Refusal } from '../refusal.js';
import type { TokenLedger } from '../token-ledger.js';
import type { SimulatedAgent, WecomSettings } from './settings.js';

/** The one kind of token that the simulator knows. */
export const FAMILY = 'agent';
const BUSY = -1;
/** 86 characters of base64url, as live ones. */
const TICKET_BYTES = 64;

interface Ticket {
  readonly value: string;
  readonly expiresAtMs: number;
}

/** Tickets: the same one until it has expired. Nothing about access tokens changes them. */
export class Tickets {
  readonly #issued = new Map<string, Ticket>();

  constructor(private readonly lifeMs: number) {}

  ticket(owner: string, nowMs: number): Ticket {
    const known = this.#issued.get(owner);
    if (known && nowMs < known.expiresAtMs) return known;
    const value = randomBytes(TICKET_BYTES).toString('base64url');
    const ticket = { value, expiresAtMs: nowMs + this.lifeMs };
    this.#issued.set(owner, ticket);
    return ticket;
  }
}

/** What the platform keeps for one app of a corp. */
export class Agent {
  readonly appId: string;
  readonly corpId: string;
  readonly agentId: string;
  /** A disabled app gets no token; what was issued lives on. */
  disabled = false;
  trustedIps: readonly string[] | undefined;
  /** gettoken goes on handing out the current token although it died early, until its expiry. */
  comesBack = false;
  #secret: string;
  #current: IssuedToken | undefined;

  constructor(
    app: SimulatedAgent,
    private readonly ledger: TokenLedger,
    private readonly settings: WecomSettings,
  ) {
    this.appId = appIdOf(app);
    this.corpId = app.corpId;
    this.agentId = app.agentId;
    this.trustedIps = app.trustedIps ?? settings.trustedIps;
    this.#secret = app.corpSecret;
  }

  get corpSecret(): string {
    return this.#secret;
  }

  /** A token belongs to its secret: the next fetch mints. Those that were issued live on. */
  set corpSecret(secret: string) {
    this.#secret = secret;
    this.#current = undefined;
  }

  get current(): IssuedToken | undefined {
    return this.#current;
  }

  /** The same token until it has expired, and no new one within the hole after that. */
  issue(issuedTo: IssuedToken['issuedTo'], nowMs: number): IssuedToken {
    const { inHole, lifeMs } = this.settings;
    if (this.#current && this.#isHandedOutAgain(this.#current, nowMs)) return this.#current;
    if (inHole === 'busy' && this.holeLeftMs(nowMs) > 0) throw new Refusal(BUSY);
    this.comesBack = false;
    this.#current = this.ledger.mint({ appId: this.appId, family: FAMILY, issuedTo }, nowMs, lifeMs);
    return this.#current;
  }

  /** How long the platform still has no new token after the current one has expired; 0 outside of the hole. */
  holeLeftMs(nowMs: number): number {
    const { expiresAtMs = Number.POSITIVE_INFINITY } = this.#current ?? {};
    return nowMs < expiresAtMs ? 0 : Math.max(0, expiresAtMs + this.settings.holeMs - nowMs);
  }

  #isHandedOutAgain(token: IssuedToken, nowMs: number): boolean {
    if (nowMs >= token.expiresAtMs)
      return this.settings.inHole === 'same_token' && this.holeLeftMs(nowMs) > 0;
    return token.fateAt(nowMs) === 'valid' || this.comesBack;
  }
}

/** How the control API names an app. */
export function appIdOf({ corpId, agentId }: Pick<SimulatedAgent, 'corpId' | 'agentId'>): string {
  return `${corpId}/${agentId}`;
}
