import type { ErrorCode } from '../../core/error-code.js';
import { parseJsonObject } from '../../core/json-object.js';
import type { Deadline, ProbeAnswer, Unanswered } from '../../core/ports/token-issuer.js';
import { okOnly, type HttpReply, faultOfBody, numberOf } from './http-call.js';
import { NetworkFault } from './network-fault.js';
import type { PlatformApi } from './platform-api.js';

/** Of WeChat and WeCom: changes nothing, needs no permission, takes no parameter but the token, and answers with a short list of addresses. */
const PATH = '/cgi-bin/get_api_domain_ip';

/** How a platform's answer to a try of a token is read. */
export interface ProbeReading {
  readonly dead: ReadonlySet<ErrorCode>;
  /** Refusals that prove that the token is good. */
  readonly alive: ReadonlySet<ErrorCode>;
  /** As in `ErrcodeAnswer`. */
  readonly messageOf: (errmsg: unknown) => string;
}

/** Tries a token. An answer has `ip_list`, and of some platforms no errcode when all is well; of others no list then. */
export async function probeToken(
  api: PlatformApi,
  token: string,
  deadline: Deadline,
  { dead, alive, messageOf }: ProbeReading,
): Promise<ProbeAnswer> {
  const query = { access_token: token };
  const reply = okOnly(await api.call({ method: 'GET', path: PATH, query }, deadline));
  if (reply.kind !== 'answered') return silence(reply.cause);
  const answer = parseJsonObject(reply.body);
  const isWell = answer?.errcode === undefined && Array.isArray(answer?.ip_list);
  const errcode = isWell ? 0 : numberOf(answer?.errcode);
  if (typeof errcode !== 'number') return silence(withoutErrcode(reply.body));
  if (errcode === 0 || alive.has(errcode)) return { outcome: 'accepted' };
  const outcome = dead.has(errcode) ? 'rejected' : 'no_answer';
  return { outcome, errcode, message: messageOf(answer?.errmsg) };
}

/** A call without a token, which is refused with errcode 41001: so the platform is known. It needs no secret and changes nothing. */
export async function pingPlatform(
  api: PlatformApi,
  deadline: Deadline,
): Promise<{ readonly kind: 'answered'; readonly errcode: number } | Extract<HttpReply, { cause: Error }>> {
  const reply = okOnly(await api.fetch({ method: 'GET', path: PATH }, deadline));
  if (reply.kind !== 'answered') return reply;
  const errcode = numberOf(parseJsonObject(reply.body)?.errcode);
  return typeof errcode === 'number'
    ? { kind: 'answered', errcode }
    : { kind: 'unknown', cause: withoutErrcode(reply.body) };
}

function withoutErrcode(body: string): NetworkFault {
  return new NetworkFault(faultOfBody(body), "The platform's answer has no errcode.");
}

function silence({ message, fault }: Unanswered): ProbeAnswer {
  return { outcome: 'no_answer', message, fault };
}
