import type { RefreshDefaults } from '../../config/app.section.js';
import { PlatformApi } from '../http/platform-api.js';
import { pingPlatform } from '../http/token-probe.js';
import { TicketIssuer } from '../http/ticket.issuer.js';
import type { CredentialSpec, Platform } from '../platform.js';
import { explain, PASSING_ERRCODES } from './errcodes.js';
import { gatewayProfile } from './gateway-profile.js';
import { fetchTicket, TICKET_TYPES, type TicketType, TOKEN_RULE, WecomIssuer } from './wecom.issuer.js';
import { WecomSection } from './wecom.section.js';

const HOUR_MS = 3_600_000;

/** One look shortly before the end, which finds a wrong Secret in time; the next is at the end, when WeCom has a new token. */
const TOKEN_DEFAULTS: RefreshDefaults = {
  aheadSeconds: 10,
  jitterSeconds: 2,
  dailyBudget: 200,
  forcedDailyBudget: 20,
  verifyReports: true,
};

/** An app may fetch 100 tickets an hour, a corp 400. */
const TICKET_DEFAULTS: RefreshDefaults = { ...TOKEN_DEFAULTS, forcedDailyBudget: 0, verifyReports: false };

/** WeCom (企业微信): the apps of a corp. */
export const wecom: Platform = {
  id: 'wecom',
  section: WecomSection,
  /** Its quotas are by the minute and the hour; the budget of a day is the broker's own. China Standard Time. */
  quotaDayOffsetMs: 8 * HOUR_MS,
  errors: { passing: PASSING_ERRCODES, explain },
  ping: pingPlatform,
  credentials: (app: WecomSection) => [token(app), ...TICKET_TYPES.map((type) => ticket(app, type))],
  gateway: gatewayProfile,
};

function token({ corpId, apiBaseUrl }: WecomSection): CredentialSpec {
  return {
    id: 'token',
    rule: TOKEN_RULE,
    defaults: TOKEN_DEFAULTS,
    issuer: ({ egress }) => new WecomIssuer({ corpId, api: new PlatformApi(apiBaseUrl, egress) }),
  };
}

/** The same one until it has expired, as a token. */
function ticket({ apiBaseUrl }: WecomSection, type: TicketType): CredentialSpec {
  return {
    id: type,
    rule: TOKEN_RULE,
    defaults: TICKET_DEFAULTS,
    issuer: ({ egress, source }) => {
      if (!source) throw new Error('a ticket is fetched with a token');
      const api = new PlatformApi(apiBaseUrl, egress);
      return new TicketIssuer({
        rule: TOKEN_RULE,
        tokens: source,
        explain,
        api,
        fetch: (accessToken, deadline) => fetchTicket(api, accessToken, type, deadline),
      });
    },
  };
}
