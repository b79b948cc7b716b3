import type { Deadline, IssueOutcome } from '../../core/ports/token-issuer.js';
import { readTokenAnswer } from './token-answer.js';
import { callWechat } from './wechat-http.js';

/** For pages that use the JS-SDK, and for cards and coupons. */
export const TICKET_TYPES = ['jsapi', 'wx_card'] as const;
export type TicketType = (typeof TICKET_TYPES)[number];

/** `GET /cgi-bin/ticket/getticket`: needs an access token of the app, whatever its grant. */
export async function fetchTicket(
  apiBaseUrl: string,
  accessToken: string,
  type: TicketType,
  deadline: Deadline,
): Promise<IssueOutcome> {
  const query = { access_token: accessToken, type };
  const reply = await callWechat(
    apiBaseUrl,
    { method: 'GET', path: '/cgi-bin/ticket/getticket', query },
    deadline,
  );
  return reply.kind === 'answered' ? readTokenAnswer(reply.body, accessToken, 'ticket') : reply;
}
