import type { ErrorCode } from '../../core/error-code.js';
import { parseJsonObject } from '../../core/json-object.js';
import {
  type AppCredentials,
  type Deadline,
  type ErrcodeAdvice,
  type IssuanceRule,
  type IssueOutcome,
  type ProbeAnswer,
  TokenIssuer,
} from '../../core/ports/token-issuer.js';
import { numberOf, okOnly, readErrcodeAnswer } from '../http/http-call.js';
import type { PlatformApi } from '../http/platform-api.js';
import { probeToken } from '../http/token-probe.js';
import { DEAD_TOKEN_ERRCODES, explain, knownMessage, RETRY_AFTER_MS } from './errcodes.js';

/** The same token until it has expired; no overlap is promised, and nothing replaces it before. */
export const TOKEN_RULE: IssuanceRule = {
  repeats: { sameUntilMs: 0 },
  previous: 'stays_valid',
  renewsOnFetch: false,
  canForce: false,
};

export interface WecomIssuerOptions {
  readonly corpId: string;
  readonly api: PlatformApi;
}

/** The apps ("agents") of a corp on WeCom (企业微信), each with a secret and a token of its own. */
export class WecomIssuer extends TokenIssuer {
  override readonly rule = TOKEN_RULE;

  constructor(private readonly options: WecomIssuerOptions) {
    super();
  }

  issue({ appSecret }: AppCredentials, deadline: Deadline): Promise<IssueOutcome> {
    const { api, corpId } = this.options;
    return fetchToken(api, { corpId, corpSecret: appSecret }, deadline);
  }

  override probe(token: string, deadline: Deadline): Promise<ProbeAnswer> {
    return probeToken(this.options.api, token, deadline, {
      dead: DEAD_TOKEN_ERRCODES,
      alive: PROVES_ACCEPTANCE,
      messageOf: knownMessage,
    });
  }

  explain(errcode: ErrorCode): ErrcodeAdvice {
    return explain(errcode);
  }

  override explainSilence(_message: string, fault: string | null = null): string | null {
    return this.options.api.remedyOf(fault);
  }
}

/** A ticket of the whole corp, for `wx.config`; one of the app, for `wx.agentConfig`. */
export const TICKET_TYPES = ['jsapi', 'agent_config'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

/** The token is good, though not for this API. 60020 (this address is not trusted) proves nothing: it may hide a dead token. */
const PROVES_ACCEPTANCE: ReadonlySet<ErrorCode> = new Set([48002]);

// WeCom answers its errors with status 200.

/** `GET /cgi-bin/gettoken`. In the last second of a token's life WeCom returns it with `expires_in` 0. */
async function fetchToken(
  api: PlatformApi,
  { corpId, corpSecret }: { readonly corpId: string; readonly corpSecret: string },
  deadline: Deadline,
): Promise<IssueOutcome> {
  const query = { corpid: corpId, corpsecret: corpSecret };
  const reply = okOnly(await api.fetch({ method: 'GET', path: '/cgi-bin/gettoken', query }, deadline));
  return reply.kind === 'answered' ? outcomeOf(reply.body, 'access_token') : reply;
}

export async function fetchTicket(
  api: PlatformApi,
  accessToken: string,
  type: TicketType,
  deadline: Deadline,
): Promise<IssueOutcome> {
  const query = { access_token: accessToken };
  const request =
    type === 'jsapi'
      ? ({ method: 'GET', path: '/cgi-bin/get_jsapi_ticket', query } as const)
      : ({ method: 'GET', path: '/cgi-bin/ticket/get', query: { ...query, type } } as const);
  const reply = okOnly(await api.fetch(request, deadline));
  return reply.kind === 'answered' ? outcomeOf(reply.body, 'ticket') : reply;
}

function outcomeOf(body: string, field: 'access_token' | 'ticket'): IssueOutcome {
  const answer = parseJsonObject(body);
  const isAtItsEnd = numberOf(answer?.errcode ?? 0) === 0 && numberOf(answer?.expires_in) === 0;
  if (isAtItsEnd && typeof answer?.[field] === 'string') {
    return { kind: 'issued', value: answer[field], expiresInSeconds: 0 };
  }
  const outcome = readErrcodeAnswer(body, { field, messageOf: knownMessage });
  if (outcome.kind !== 'refused') return outcome;
  return { ...outcome, retryAfterMs: RETRY_AFTER_MS[outcome.errcode] };
}
