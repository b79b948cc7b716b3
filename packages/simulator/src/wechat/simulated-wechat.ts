import type { AccountState } from './account-state.js';
import { isTokenPath, type Account } from './account.js';
import type { Call, CallCount } from '../call-log.js';
import { ControlInputError } from '../control-input-error.js';
import { FaultQueue } from '../fault-queue.js';
import type { FaultSpec } from '../fault-spec.js';
import { Platform } from './platform.js';
import { Refusal } from './refusal.js';
import { settingsFrom, type Settings, type SimulatorOptions } from './settings.js';
import type { EarlyDeath, OtherFetch } from './simulator-event.js';
import type { TokenFilter, Verdict } from './token-ledger.js';
import { tokenReport, type TokenReport } from './token-report.js';

export interface CallReport {
  /** Requests that reached the checks of the token endpoints. */
  readonly fetches: number;
  /** Tokens minted for callers, and for somebody else. */
  readonly minted: number;
  readonly minted_by_others: number;
  readonly counts: CallCount[];
  readonly log: Call[];
}

/**
 * WeChat without its network: the platform, the faults that wait for requests, and all that a test may do to it or ask of
 * it. An `appId` that is left out means the first app. Bad arguments throw a ControlInputError.
 */
export class SimulatedWechat {
  readonly settings: Settings;
  readonly #faults = new FaultQueue(isTokenPath);
  #platform: Platform;

  constructor(options: SimulatorOptions = {}) {
    this.settings = settingsFrom(options);
    this.#platform = new Platform(this.settings);
  }

  get platform(): Platform {
    return this.#platform;
  }

  get faults(): FaultQueue {
    return this.#faults;
  }

  /** Returns the fault's id. */
  addFault(spec: FaultSpec): string {
    return this.#faults.add(spec);
  }

  /** Removes one fault and lets go what it holds. */
  removeFault(id: string): void {
    if (!this.#faults.remove(id)) throw new ControlInputError(`id: no fault ${id}`);
  }

  clearFaults(): void {
    this.#faults.clear();
  }

  /** Ends living tokens now, and returns them; there must be one. */
  killToken({ appId, family, token: value, sticky = false }: EarlyDeath = {}): TokenReport[] {
    const { classic, stable } = this.#account(appId);
    const nowMs = this.settings.now();
    const named =
      value === undefined ? [classic.current, stable.current] : [this.platform.ledger.find(value)];
    const doomed = named
      .filter((token) => token !== undefined)
      .filter((token) => token.fateAt(nowMs) === 'valid' && (family ?? token.family) === token.family);
    if (doomed.length === 0) throw new ControlInputError('token: none that lives');
    for (const token of doomed) {
      token.endAt(nowMs, 'killed');
      if (token === stable.current) stable.sticky = sticky;
    }
    return doomed.map((token) => tokenReport(token, nowMs));
  }

  /** Returns the token that somebody else got. */
  rotateByOther({ appId, family = 'classic', force = false }: OtherFetch = {}): TokenReport {
    const nowMs = this.settings.now();
    try {
      return tokenReport(this.#account(appId).issue(family, 'other', nowMs, force), nowMs);
    } catch (error) {
      if (error instanceof Refusal)
        throw new ControlInputError(`kind: the platform refuses, ${error.message}`);
      throw error;
    }
  }

  /** Tokens live on. */
  resetSecret(appSecret: string, appId?: string): void {
    this.#account(appId).appSecret = appSecret;
  }

  /** Null: every IP may fetch. */
  setIpWhitelist(ips: readonly string[] | null, appId?: string): void {
    this.#account(appId).ipWhitelist = ips ?? undefined;
  }

  setState(state: AccountState, appId?: string): void {
    this.#account(appId).state = state;
  }

  /** Midnight in Beijing for the quotas; tokens do not age. */
  advanceDay(): void {
    this.platform.calendar.skipDay();
  }

  /** In the order of issue. */
  tokens(filter: TokenFilter = {}): TokenReport[] {
    const nowMs = this.settings.now();
    return this.platform.ledger.list(filter).map((token) => tokenReport(token, nowMs));
  }

  /** Whether the platform accepts, accepted, or as things stand will accept a token at an instant (epoch ms; now). */
  verdict(token: string, atMs = this.settings.now()): Verdict {
    return this.platform.ledger.verdict(token, atMs);
  }

  calls(appId?: string): CallReport {
    const { calls, ledger } = this.platform;
    const counts = calls.counts(appId);
    const tokens = ledger.list({ appId });
    const others = tokens.filter((token) => token.issuedTo === 'other').length;
    return {
      fetches: counts.reduce((sum, { path, processed }) => sum + (isTokenPath(path) ? processed : 0), 0),
      minted: tokens.length - others,
      minted_by_others: others,
      counts,
      log: calls.calls(appId),
    };
  }

  /** As freshly made. Requests that are under way end in the world they began in. */
  reset(): void {
    this.clearFaults();
    this.#platform = new Platform(this.settings);
  }

  #account(appId = this.settings.apps[0]?.appId): Account {
    const account = this.platform.account(appId ?? '');
    if (!account) throw new ControlInputError(`appId: no app ${String(appId)}`);
    return account;
  }
}
