import type { ErrorCode } from '../../core/error-code.js';
import {
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeAnswer,
  TokenIssuer,
} from '../../core/ports/token-issuer.js';
import { okOnly, readErrcodeAnswer } from '../http/http-call.js';
import type { PlatformApi } from '../http/platform-api.js';
import { probeToken } from '../http/token-probe.js';
import { DEAD_TOKEN_ERRCODES, explain, knownMessage } from './errcodes.js';
import type { Grant } from './wechat.section.js';

export interface WechatIssuerOptions {
  /** Each grant has tokens of its own; neither kills the other's. */
  readonly grant: 'stable' | 'classic';
  readonly api: PlatformApi;
}

/** WeChat's official accounts and mini programs. */
export class WechatIssuer extends TokenIssuer {
  override readonly rule: IssuanceRule;

  constructor(private readonly options: WechatIssuerOptions) {
    super();
    this.rule = RULES[options.grant];
  }

  issue(
    credentials: AppCredentials,
    deadline: Deadline,
    { forceNew }: { readonly forceNew: boolean },
  ): Promise<IssueOutcome> {
    const { grant, api } = this.options;
    return grant === 'stable'
      ? fetchStableToken(api, credentials, deadline, forceNew)
      : fetchClassicToken(api, credentials, deadline);
  }

  override probe(token: string, deadline: Deadline): Promise<ProbeAnswer> {
    return probeToken(this.options.api, token, deadline, {
      dead: DEAD_TOKEN_ERRCODES,
      alive: PROVES_ACCEPTANCE,
      messageOf: (errmsg) => knownMessage(errmsg, [token]),
    });
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return explain(errcode);
  }

  override explainSilence(_message: string, fault: string | null = null): string | null {
    return this.options.api.remedyOf(fault);
  }
}

/** How long WeChat still takes a classic token after the next one, and in how much of a stable one's end the next one comes. */
const GRACE_MS = 300_000;

export const RULES: Readonly<Record<Grant, IssuanceRule>> = {
  stable: {
    repeats: { sameUntilMs: GRACE_MS },
    previous: 'stays_valid',
    renewsOnFetch: false,
    canForce: true,
  },
  classic: { repeats: 'never', previous: { graceMs: GRACE_MS }, renewsOnFetch: false, canForce: false },
};

/** The ticket comes back the same within two hours, and WeChat says two hours each time, however old it is. */
export const TICKET_RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: true,
  canForce: false,
};

// WeChat answers its errors with status 200: any other status came from something else, and proves nothing.

/** `GET /cgi-bin/token`: mints at every call; the token before lives 300 s more. */
async function fetchClassicToken(
  api: PlatformApi,
  { appId, appSecret }: AppCredentials,
  deadline: Deadline,
): Promise<IssueOutcome> {
  const query = { grant_type: 'client_credential', appid: appId, secret: appSecret };
  const reply = okOnly(await api.fetch({ method: 'GET', path: '/cgi-bin/token', query }, deadline));
  return reply.kind === 'answered' ? readTokenAnswer(reply.body, appSecret) : reply;
}

/**
 * `POST /cgi-bin/stable_token`: the same token again until 300 s or less remain. `forceNew` replaces it and kills the
 * old one; WeChat allows that 20 times a day, 30 s apart, and sooner than that answers with the same token.
 */
async function fetchStableToken(
  api: PlatformApi,
  { appId, appSecret }: AppCredentials,
  deadline: Deadline,
  forceNew: boolean,
): Promise<IssueOutcome> {
  const data = { grant_type: 'client_credential', appid: appId, secret: appSecret, force_refresh: forceNew };
  const reply = okOnly(await api.fetch({ method: 'POST', path: '/cgi-bin/stable_token', data }, deadline));
  return reply.kind === 'answered' ? readTokenAnswer(reply.body, appSecret) : reply;
}

/** For pages that use the JS-SDK, and for cards and coupons. */
export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

/** `GET /cgi-bin/ticket/getticket`: needs an access token of the app, whatever its grant. */
export async function fetchTicket(
  api: PlatformApi,
  accessToken: string,
  type: TicketType,
  deadline: Deadline,
): Promise<IssueOutcome> {
  const query = { access_token: accessToken, type };
  const request = { method: 'GET', path: '/cgi-bin/ticket/getticket', query } as const;
  const reply = okOnly(await api.fetch(request, deadline));
  return reply.kind === 'answered' ? readTokenAnswer(reply.body, accessToken, 'ticket') : reply;
}

/** The app may not call this API. WeChat looks at the token first, so the token is good. */
const PROVES_ACCEPTANCE: ReadonlySet<ErrorCode> = new Set([48001]);

/**
 * Reads the body of a token endpoint's answer, or of the ticket endpoint's. `sent` is the secret of the request, no part of
 * which may stand in the message.
 */
export function readTokenAnswer(
  body: string,
  sent: string,
  field: 'access_token' | 'ticket' = 'access_token',
): IssueOutcome {
  return readErrcodeAnswer(body, {
    field,
    messageOf: (errmsg, value) => knownMessage(errmsg, [sent, value]),
  });
}
