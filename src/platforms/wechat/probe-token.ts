import type { Deadline, ProbeOutcome } from '../../core/ports/token-issuer.js';
import { DEAD_TOKEN_ERRCODES } from './errcodes.js';
import { numberOf, parseJsonObject } from '../http/parse-json-object.js';
import { callWechat } from './wechat-http.js';

/** The app may not call this API. WeChat looks at the token first, so the token is good. */
const API_NOT_GRANTED = 48001;

/**
 * Tries a token on `GET /cgi-bin/get_api_domain_ip`: it changes nothing, needs no permission, takes no parameter but
 * the token, answers with a short list of addresses, and official accounts and mini programs both have it.
 */
export async function probeToken(
  apiBaseUrl: string,
  token: string,
  deadline: Deadline,
): Promise<ProbeOutcome> {
  const reply = await callWechat(
    apiBaseUrl,
    { method: 'GET', path: '/cgi-bin/get_api_domain_ip', query: { access_token: token } },
    deadline,
  );
  const answer = reply.kind === 'answered' ? parseJsonObject(reply.body) : null;
  if (!answer) return 'no_answer';

  const errcode = numberOf(answer.errcode);
  if (typeof errcode === 'number' && DEAD_TOKEN_ERRCODES.has(errcode)) return 'rejected';
  const accepted =
    errcode === 0 || errcode === API_NOT_GRANTED || (errcode === undefined && Array.isArray(answer.ip_list));
  return accepted ? 'accepted' : 'no_answer';
}
