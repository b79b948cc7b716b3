import type { TicketType } from '../../core/ticket-broker.js';
import type { Deadline, IssueOutcome } from '../../core/ports/token-issuer.js';
import { readTokenAnswer } from './token-answer.js';
import { callWechat } from './wechat-http.js';

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
