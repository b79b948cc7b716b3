import type { ErrorCode } from '../../core/error-code.js';
import type { Deadline, AppCredentials, IssueOutcome, ProbeAnswer } from '../../core/ports/token-issuer.js';
import { okOnly } from '../http/http-call.js';
import type { PlatformApi } from '../http/platform-api.js';
import { DEAD_TOKEN_ERRCODES } from './errcodes.js';
import type { Ping } from '../platform.js';
import { readErrcodeAnswer, readPing, readProbeAnswer } from '../http/json-answer.js';
import { knownMessage } from './known-message.js';

// WeChat answers its errors with status 200: any other status came from something else, and proves nothing.

/** `GET /cgi-bin/token`: mints at every call; the token before lives 300 s more. */
export async function fetchClassicToken(
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
export async function fetchStableToken(
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

const PROBE_PATH = '/cgi-bin/get_api_domain_ip';
/** The app may not call this API. WeChat looks at the token first, so the token is good. */
const PROVES_ACCEPTANCE: ReadonlySet<ErrorCode> = new Set([48001]);

/**
 * Tries a token on `GET /cgi-bin/get_api_domain_ip`: it changes nothing, needs no permission, takes no parameter but
 * the token, answers with a short list of addresses, and official accounts and mini programs both have it.
 */
export async function probeToken(api: PlatformApi, token: string, deadline: Deadline): Promise<ProbeAnswer> {
  const query = { access_token: token };
  const reply = okOnly(await api.call({ method: 'GET', path: PROBE_PATH, query }, deadline));
  return readProbeAnswer(reply, {
    dead: DEAD_TOKEN_ERRCODES,
    alive: PROVES_ACCEPTANCE,
    messageOf: (errmsg) => knownMessage(errmsg, [token]),
  });
}

/** A call without a token, which WeChat answers with errcode 41001. It needs no secret and changes nothing. */
export async function pingPlatform(api: PlatformApi, deadline: Deadline): Promise<Ping> {
  return readPing(okOnly(await api.fetch({ method: 'GET', path: PROBE_PATH }, deadline)));
}

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
