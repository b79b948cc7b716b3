import { checkEvent } from '../check-event.js';
import { ControlInputError, isBoolean, isErrcode, isIpList, isText } from '../input-checks.js';
import { Refusal } from '../refusal.js';
import { Simulator } from '../simulator.js';
import { tokenReport, type TokenReport } from '../token-report.js';
import { appIdOf, FAMILY, type Agent } from './agent.js';
import { TOKEN_PATH } from './endpoints.js';
import { settingsFrom, type WecomOptions, type WecomSettings } from './settings.js';
import { WecomWorld } from './wecom-world.js';

/** What happens to the platform at once. `appId` is `<corpId>/<agentId>`; without it, it happens to the first app. */
type WecomEvent = { readonly appId?: string } & (
  | { readonly kind: 'early_death'; readonly token?: string; readonly sameAgain?: boolean }
  | { readonly kind: 'other_fetch' }
  | { readonly kind: 'reset_secret'; readonly corpSecret: string; readonly killToken?: boolean }
  | { readonly kind: 'set_trusted_ips'; readonly ips: readonly string[] | null }
  | { readonly kind: 'set_disabled'; readonly disabled: boolean }
);

const FIELDS = {
  early_death: { appId: isText, token: isText, sameAgain: isBoolean },
  other_fetch: { appId: isText },
  reset_secret: { appId: isText, corpSecret: isText, killToken: isBoolean },
  set_trusted_ips: { appId: isText, ips: isIpList },
  set_disabled: { appId: isText, disabled: isBoolean },
};
const REQUIRED = { reset_secret: 'corpSecret', set_trusted_ips: 'ips', set_disabled: 'disabled' };

/**
 * WeCom's token rules for apps of a corp: one token for each secret, the same until it has expired, and no other way to a
 * new one. The control API is that of every simulator.
 */
export class WecomSimulator extends Simulator<WecomWorld> {
  readonly settings: WecomSettings;

  constructor(options: WecomOptions = {}) {
    const settings = settingsFrom(options);
    super({
      now: settings.now,
      createWorld: () => new WecomWorld(settings),
      families: [FAMILY],
      isTokenPath: (path) => path === TOKEN_PATH,
      isErrcode,
    });
    this.settings = settings;
  }

  override cause(value: unknown): TokenReport[] {
    checkEvent<WecomEvent>(value, FIELDS, REQUIRED);
    switch (value.kind) {
      case 'early_death':
        return this.killToken(value);
      case 'other_fetch':
        return [this.fetchByOther(value.appId)];
      case 'reset_secret':
        return this.resetSecret(value.corpSecret, value);
      case 'set_trusted_ips':
        this.setTrustedIps(value.ips, value.appId);
        return [];
      case 'set_disabled':
        this.#agent(value.appId).disabled = value.disabled;
        return [];
    }
  }

  /**
   * Ends the current token, or the one that is named, and returns it; it must live. `sameAgain`: gettoken hands it out
   * until its expiry all the same; default: as `afterEarlyDeath` says.
   */
  killToken({
    appId,
    token: value,
    sameAgain = this.settings.afterEarlyDeath === 'same',
  }: { readonly appId?: string; readonly token?: string; readonly sameAgain?: boolean } = {}): TokenReport[] {
    const agent = this.#agent(appId);
    const nowMs = this.now();
    const token = value === undefined ? agent.current : this.world.ledger.find(value);
    if (token?.fateAt(nowMs) !== 'valid') throw new ControlInputError('token: none that lives');
    token.endAt(nowMs, 'killed');
    if (token === agent.current) agent.comesBack = sameAgain;
    return [tokenReport(token, nowMs)];
  }

  /** Somebody else calls gettoken with the same secret, which does no harm here. Returns the token. */
  fetchByOther(appId?: string): TokenReport {
    const nowMs = this.now();
    try {
      return tokenReport(this.#agent(appId).issue('other', nowMs), nowMs);
    } catch (error) {
      if (error instanceof Refusal)
        throw new ControlInputError(`kind: the platform refuses, ${error.message}`);
      throw error;
    }
  }

  /** The next fetch mints. `killToken`: the token of the old secret dies with it; default: it lives on. */
  resetSecret(
    corpSecret: string,
    { appId, killToken = false }: { readonly appId?: string; readonly killToken?: boolean } = {},
  ): TokenReport[] {
    const agent = this.#agent(appId);
    const killed = killToken && agent.current ? this.killToken({ appId: agent.appId }) : [];
    agent.corpSecret = corpSecret;
    return killed;
  }

  /** Null: business calls are welcome from everywhere. */
  setTrustedIps(ips: readonly string[] | null, appId?: string): void {
    this.#agent(appId).trustedIps = ips ?? undefined;
  }

  #agent(appId = this.settings.apps[0] && appIdOf(this.settings.apps[0])): Agent {
    const agent = this.world.agent(appId ?? '');
    if (!agent) throw new ControlInputError(`appId: no app ${String(appId)}`);
    return agent;
  }
}
