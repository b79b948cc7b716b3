import { randomBytes } from 'node:crypto';
import { CallLog } from '../call-log.js';
import { countAgainst, RateLimits } from '../rate-limit.js';
import { Refusal } from '../refusal.js';
import { TokenLedger } from '../token-ledger.js';
import type { HttpCall } from '../read-call.js';
import { Agent, appIdOf, Tickets } from './agent.js';
import type { WecomSettings } from './settings.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** Base64url of it: 214 characters, as live ones; 512 bytes at most by the documentation. */
const TOKEN_BYTES = 160;

/** All that the simulated platform remembers. */
export class Platform {
  readonly ledger = new TokenLedger(() => randomBytes(TOKEN_BYTES).toString('base64url'));
  readonly calls = new CallLog();
  readonly tickets: Tickets;
  readonly failedFetches: RateLimits;
  readonly corpTickets: RateLimits;
  readonly appTickets: RateLimits;
  readonly #traffic: readonly [RateLimits, RateLimits, RateLimits];
  readonly #agents: ReadonlyMap<string, Agent>;

  constructor(readonly settings: WecomSettings) {
    this.tickets = new Tickets(settings.lifeMs);
    this.failedFetches = new RateLimits(settings.failedFetchQuota, HOUR_MS);
    this.corpTickets = new RateLimits(settings.corpTicketQuota, HOUR_MS);
    this.appTickets = new RateLimits(settings.appTicketQuota, HOUR_MS);
    this.#traffic = [
      new RateLimits(settings.corpMinuteQuota, MINUTE_MS),
      new RateLimits(settings.corpHourQuota, HOUR_MS),
      new RateLimits(settings.ipMinuteQuota, MINUTE_MS),
    ];
    this.#agents = new Map(settings.apps.map((app) => [appIdOf(app), new Agent(app, this.ledger, settings)]));
  }

  agent(appId: string): Agent | undefined {
    return this.#agents.get(appId);
  }

  agentsOf(corpId: string): Agent[] {
    return [...this.#agents.values()].filter((agent) => agent.corpId === corpId);
  }

  hasApp(appId: string): boolean {
    return this.#agents.has(appId);
  }

  /** Counts the call against the limits of its corp and its address, or refuses it. */
  admit({ path, callerIp }: HttpCall, corpId: string, nowMs: number): void {
    const [minute, hour, address] = this.#traffic;
    const key = `${corpId} ${path}`;
    if (!countAgainst([minute.of(key), hour.of(key), address.of(callerIp)], nowMs)) throw new Refusal(45009);
  }
}
