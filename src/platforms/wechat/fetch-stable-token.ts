import type { AppCredentials, Deadline, IssueOutcome } from '../../core/ports/token-issuer.js';
import { readTokenAnswer } from './token-answer.js';
import { callWechat } from './wechat-http.js';

/**
 * `POST /cgi-bin/stable_token`: the same token again until 300 s or less remain. `forceNew` replaces it and kills the
 * old one; WeChat allows that 20 times a day, 30 s apart, and sooner than that answers with the same token.
 */
export async function fetchStableToken(
  apiBaseUrl: string,
  { appId, appSecret }: AppCredentials,
  deadline: Deadline,
  forceNew: boolean,
): Promise<IssueOutcome> {
  const data = { grant_type: 'client_credential', appid: appId, secret: appSecret, force_refresh: forceNew };
  const reply = await callWechat(
    apiBaseUrl,
    { method: 'POST', path: '/cgi-bin/stable_token', data },
    deadline,
  );
  return reply.kind === 'answered' ? readTokenAnswer(reply.body, appSecret) : reply;
}
