import type { ErrorCode } from '../../core/error-code.js';
import type { Deadline, IssueOutcome, ProbeAnswer } from '../../core/ports/token-issuer.js';
import {
  readErrcodeAnswer,
  readPing,
  readProbeAnswer,
  numberOf,
  parseJsonObject,
} from '../http/json-answer.js';
import { okOnly } from '../http/http-call.js';
import type { PlatformApi } from '../http/platform-api.js';
import type { Ping } from '../platform.js';
import { DEAD_TOKEN_ERRCODES, RETRY_AFTER_MS } from './errcodes.js';
import { knownMessage } from './known-message.js';

/** A ticket of the whole corp, for `wx.config`; one of the app, for `wx.agentConfig`. */
export const TICKET_TYPES = ['jsapi', 'agent_config'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

const PROBE_PATH = '/cgi-bin/get_api_domain_ip';
/** The token is good, though not for this API. 60020 (this address is not trusted) proves nothing: it may hide a dead token. */
const PROVES_ACCEPTANCE: ReadonlySet<ErrorCode> = new Set([48002]);

// WeCom answers its errors with status 200.

/** `GET /cgi-bin/gettoken`. In the last second of a token's life WeCom returns it with `expires_in` 0. */
export async function fetchToken(
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

/**
 * Tries a token on `GET /cgi-bin/get_api_domain_ip`, which changes nothing and needs no permission. An answer may hold its
 * data beside an errcode, and may have none when all is well.
 */
export async function probeToken(api: PlatformApi, token: string, deadline: Deadline): Promise<ProbeAnswer> {
  const query = { access_token: token };
  const reply = okOnly(await api.call({ method: 'GET', path: PROBE_PATH, query }, deadline));
  return readProbeAnswer(reply, {
    dead: DEAD_TOKEN_ERRCODES,
    alive: PROVES_ACCEPTANCE,
    messageOf: knownMessage,
  });
}

/** A call without a token, which WeCom answers with errcode 41001. It needs no secret and changes nothing. */
export async function pingPlatform(api: PlatformApi, deadline: Deadline): Promise<Ping> {
  return readPing(okOnly(await api.fetch({ method: 'GET', path: PROBE_PATH }, deadline)));
}

function outcomeOf(body: string, field: 'access_token' | 'ticket'): IssueOutcome {
  const answer = parseJsonObject(body);
  const isAtItsEnd = numberOf(answer?.errcode ?? 0) === 0 && numberOf(answer?.expires_in) === 0;
  if (isAtItsEnd && typeof answer?.[field] === 'string') {
    return { kind: 'issued', value: answer[field], expiresInSeconds: 0 };
  }
  const outcome = readErrcodeAnswer(body, { field, messageOf: knownMessage });
  if (outcome.kind !== 'refused') return outcome;
  const retryAfterMs = RETRY_AFTER_MS[outcome.errcode];
  return { ...outcome, ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
