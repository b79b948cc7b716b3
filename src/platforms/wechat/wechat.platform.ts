import type { RefreshDefaults } from '../../config/app.section.js';
import type { LoginProvider } from '../../core/ports/login-provider.js';
import type { Egress } from '../http/egress.js';
import { PlatformApi } from '../http/platform-api.js';
import { pingPlatform } from '../http/token-probe.js';
import type { CredentialSpec, Platform } from '../platform.js';
import { explain, PASSING_ERRCODES } from './errcodes.js';
import {
  RULES,
  TICKET_RULE,
  WechatIssuer,
  fetchTicket,
  TICKET_TYPES,
  type TicketType,
} from './wechat.issuer.js';
import { MiniProgramLogin } from './login/mini-program.login.js';
import { gatewayProfile } from './gateway-profile.js';
import { WebLogin } from './login/web.login.js';
import { TicketIssuer } from '../http/ticket.issuer.js';
import { WechatSection, type Grant } from './wechat.section.js';

const AUTHORIZE_BASE_URL = 'https://open.weixin.qq.com';
const HOUR_MS = 3_600_000;
const TOKEN_DEFAULTS = { jitterSeconds: 20, dailyBudget: 200, forcedDailyBudget: 20, verifyReports: true };

/** A classic token is replaced early: the one before it lives on for 300 s only. A stable one changes in its last 300 s. */
const AHEAD_SECONDS: Readonly<Record<Grant, number>> = { classic: 900, stable: 270 };

/** Half of two hours, because the answer does not say how old the ticket is. The quota is not documented: these are a few dozen calls a day. */
const TICKET_DEFAULTS: RefreshDefaults = {
  aheadSeconds: 3600,
  jitterSeconds: 60,
  dailyBudget: 200,
  forcedDailyBudget: 0,
  verifyReports: false,
};

/** WeChat's official accounts, mini programs and mini games, and websites that log people in with WeChat. */
export const wechat: Platform = {
  id: 'wechat',
  section: WechatSection,
  /** China Standard Time, which has no summer time. */
  quotaDayOffsetMs: 8 * HOUR_MS,
  errors: { passing: PASSING_ERRCODES, explain },
  tokenShape: /\b\d+_[A-Za-z0-9_-]{100,}/,
  ping: pingPlatform,
  credentials: (app: WechatSection) =>
    app.type === 'website' ? [] : [token(app), ...TICKET_TYPES.map((type) => ticket(app, type))],
  login: loginOf,
  gateway: (app: WechatSection) => (app.type === 'website' ? undefined : gatewayProfile(app)),
};

function loginOf({ type, apiBaseUrl, login }: WechatSection, egress: Egress): LoginProvider {
  const api = new PlatformApi(apiBaseUrl, egress);
  if (type === 'mini_program') return new MiniProgramLogin(api);
  const { authorizeBaseUrl = AUTHORIZE_BASE_URL } = login;
  return new WebLogin({ appType: type, api, authorizeBaseUrl });
}

function token({ grant, apiBaseUrl }: WechatSection): CredentialSpec {
  return {
    id: 'token',
    rule: RULES[grant],
    defaults: { ...TOKEN_DEFAULTS, aheadSeconds: AHEAD_SECONDS[grant] },
    issuer: ({ egress }) => new WechatIssuer({ grant, api: new PlatformApi(apiBaseUrl, egress) }),
  };
}

function ticket({ apiBaseUrl }: WechatSection, type: TicketType): CredentialSpec {
  return {
    id: type,
    rule: TICKET_RULE,
    defaults: TICKET_DEFAULTS,
    issuer: ({ egress, source }) => {
      if (!source) throw new Error('a ticket is fetched with a token');
      const api = new PlatformApi(apiBaseUrl, egress);
      return new TicketIssuer({
        rule: TICKET_RULE,
        tokens: source,
        explain,
        api,
        fetch: (accessToken, deadline) => fetchTicket(api, accessToken, type, deadline),
      });
    },
  };
}
