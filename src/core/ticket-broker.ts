import type { AccessTokenSource } from './ports/access-token-source.js';
import type { AppDefinition, RefreshSettings } from './app-definition.js';
import type { TokenBroker } from './broker.js';
import type { TokenIssuer } from './ports/token-issuer.js';
import { BrokerError } from './errors.js';
import type { AppName, HeldToken } from './token.js';

/** For pages that use the JS-SDK, and for cards and coupons. */
export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

/**
 * WeChat gives the same ticket again and says two hours each time, however old it is, so a ticket is asked for again after
 * half of that. Its quota is not documented: these are a few dozen calls a day.
 */
const REFRESH: Partial<RefreshSettings> = {
  aheadMs: 3_600_000,
  jitterMs: 60_000,
  dailyBudget: 200,
  forcedDailyBudget: 0,
  verifyReports: false,
};

/** No client can have this name, so a ticket's report of a token never counts as a client's. */
const REPORTER = 'broker:tickets';

/**
 * Keeps tickets as tokens are kept: a ticket is one more token, whose issuer needs a token. Nothing is done for a ticket
 * before somebody asks for it; from then on it is renewed like the rest.
 */
export class TicketBroker {
  private readonly apps: ReadonlyMap<AppName, AppDefinition>;

  constructor(
    private readonly broker: TokenBroker,
    apps: readonly AppDefinition[],
    private readonly issuerOf: (app: AppName, type: TicketType, tokens: AccessTokenSource) => TokenIssuer,
  ) {
    this.apps = new Map(apps.map((app) => [app.name, app]));
  }

  /**
   * The app's current ticket, waiting for the first fetch if there is none yet.
   *
   * @throws BrokerError as `TokenBroker.current`, for want of a ticket or of the access token to ask for it with
   */
  async current(app: AppName, type: TicketType): Promise<HeldToken> {
    const name = nameOf(app, type);
    const held = this.broker.held(name);
    if (held) return held;
    // Its reason is the better one: nobody can ask for a ticket without a token.
    if (!this.broker.held(app)) await this.broker.current(app);
    this.broker.register(this.definition(app, type));
    return this.broker.current(name);
  }

  /** Milliseconds for which a caller may keep this ticket without asking again; above 0. */
  cacheableMs(app: AppName, type: TicketType, held: HeldToken): number {
    return this.broker.cacheableMs(nameOf(app, type), held);
  }

  private definition(name: AppName, type: TicketType): AppDefinition {
    const app = this.apps.get(name);
    if (!app) throw new BrokerError('unknown_app', `There is no app "${name}".`);
    return {
      ...app,
      name: nameOf(name, type),
      grant: type,
      appSecret: '',
      issuer: this.issuerOf(name, type, this.tokensOf(name)),
      refresh: { ...app.refresh, ...REFRESH },
    };
  }

  private tokensOf(app: AppName): AccessTokenSource {
    return {
      current: async () => (this.broker.held(app) ?? (await this.broker.current(app))).record.value,
      replace: async (accessToken, errcode) => {
        const report = { caller: REPORTER, accessToken, errcode, force: false };
        const { token } = await this.broker.report(app, report);
        return token?.record.value ?? accessToken;
      },
    };
  }
}

/** Not the name of any app, which has no slash. */
function nameOf(app: AppName, type: TicketType): AppName {
  return `${app}/${type}`;
}
