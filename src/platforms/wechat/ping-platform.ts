import type { Deadline } from '../../core/ports/token-issuer.js';
import type { Ping } from '../platform.js';
import { NetworkFault } from '../http/network-fault.js';
import { numberOf, parseJsonObject } from '../http/parse-json-object.js';
import { callWechat } from './wechat-http.js';

/** A call without a token, which WeChat answers with errcode 41001. It needs no secret and changes nothing. */
export async function pingPlatform(apiBaseUrl: string, deadline: Deadline): Promise<Ping> {
  const path = '/cgi-bin/get_api_domain_ip';
  const reply = await callWechat(apiBaseUrl, { method: 'GET', path }, deadline);
  if (reply.kind !== 'answered') return reply;
  const errcode = numberOf(parseJsonObject(reply.body)?.errcode);
  if (typeof errcode === 'number') return { kind: 'answered', errcode };
  const fault = /^\s*</.test(reply.body) ? 'answer_html' : 'answer_not_json';
  return { kind: 'unknown', cause: new NetworkFault(fault, "The platform's answer has no errcode.") };
}
