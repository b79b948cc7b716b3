import { ControlInputError, isErrcode } from '../input-checks.js';
import { Refusal } from '../refusal.js';
import { Simulator } from '../simulator.js';
import { tokenReport, type TokenReport } from '../token-report.js';
import type { AccountState } from './account-state.js';
import { isTokenPath, TOKEN_PATHS, type Account } from './account.js';
import { LoginControl } from './login/login-control.js';
import { settingsFrom, type Settings, type SimulatorOptions } from './settings.js';
import { assertEvent, type EarlyDeath, type OtherFetch } from './simulator-event.js';
import { WechatWorld } from './wechat-world.js';

/**
 * WeChat's token rules for official accounts and mini programs: both token families, quotas, tickets. An `appId` that is
 * left out means the first app.
 */
export class WechatSimulator extends Simulator<WechatWorld> {
  readonly settings: Settings;
  /** What users do. */
  readonly login = new LoginControl(() => this.world, this.now);
  override readonly ownControlCalls = this.login.calls;

  constructor(options: SimulatorOptions = {}) {
    const settings = settingsFrom(options);
    super({
      now: settings.now,
      createWorld: () => new WechatWorld(settings),
      families: Object.keys(TOKEN_PATHS),
      isTokenPath,
      isErrcode,
    });
    this.settings = settings;
  }

  override cause(event: unknown): TokenReport[] {
    assertEvent(event);
    switch (event.kind) {
      case 'early_death':
        return this.killToken(event);
      case 'other_fetch':
        return [this.rotateByOther(event)];
      case 'reset_secret':
        this.resetSecret(event.appSecret, event.appId);
        return [];
      case 'set_ip_whitelist':
        this.setIpWhitelist(event.ips, event.appId);
        return [];
      case 'set_state':
        this.setState(event.state, event.appId);
        return [];
      case 'advance_day':
        this.advanceDay();
        return [];
    }
  }

  /** Ends living tokens now, and returns them; there must be one. */
  killToken({ appId, family, token: value, sticky = false }: EarlyDeath = {}): TokenReport[] {
    const { classic, stable } = this.#account(appId);
    const nowMs = this.now();
    const named = value === undefined ? [classic.current, stable.current] : [this.world.ledger.find(value)];
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
    const nowMs = this.now();
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
    this.world.calendar.skipDay();
  }

  #account(appId = this.settings.apps[0]?.appId): Account {
    const account = this.world.account(appId ?? '');
    if (!account) throw new ControlInputError(`appId: no app ${String(appId)}`);
    return account;
  }
}
