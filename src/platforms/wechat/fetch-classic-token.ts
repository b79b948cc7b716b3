import type { AppCredentials, Deadline, IssueOutcome } from '../../core/ports/token-issuer.js';
import { readTokenAnswer } from './token-answer.js';
import { callWechat } from './wechat-http.js';

/** `GET /cgi-bin/token`: mints at every call; the token before lives 300 s more. */
export async function fetchClassicToken(
  apiBaseUrl: string,
  { appId, appSecret }: AppCredentials,
  deadline: Deadline,
): Promise<IssueOutcome> {
  const query = { grant_type: 'client_credential', appid: appId, secret: appSecret };
  const reply = await callWechat(apiBaseUrl, { method: 'GET', path: '/cgi-bin/token', query }, deadline);
  return reply.kind === 'answered' ? readTokenAnswer(reply.body, appSecret) : reply;
}
