import type { Deadline } from '../../core/ports/token-issuer.js';
import { errorCodeOf } from '../../core/error-code.js';
import { okOnly, faultOfBody, numberOf } from '../http/http-call.js';
import { NetworkFault } from '../http/network-fault.js';
import { PlatformApi } from '../http/platform-api.js';
import type { Ping, Platform } from '../platform.js';
import { explain } from './error-numbers.js';
import { parseQqAnswer, QqLogin } from './qq.login.js';
import { QqSection } from './qq.section.js';

const AUTHORIZE_BASE_URL = 'https://graph.qq.com';

/** QQ Connect: logins, and no token of the app. */
export const qq: Platform = {
  id: 'qq',
  section: QqSection,
  quotaDayOffsetMs: 8 * 3_600_000,
  errors: { passing: [], explain },
  ping: pingQq,
  credentials: () => [],
  login: ({ apiBaseUrl, login: { authorizeBaseUrl = AUTHORIZE_BASE_URL } }: QqSection, egress) =>
    new QqLogin({ api: new PlatformApi(apiBaseUrl, egress), authorizeBaseUrl }),
};

/** A question without a token, which QQ answers with an error. */
async function pingQq(api: PlatformApi, deadline: Deadline): Promise<Ping> {
  const request = { method: 'GET', path: '/oauth2.0/me', query: { fmt: 'json' } } as const;
  const reply = okOnly(await api.fetch(request, deadline));
  if (reply.kind !== 'answered') return reply;
  const answer = parseQqAnswer(reply.body);
  const errcode = errorCodeOf(numberOf(answer?.error));
  if (errcode !== null) return { kind: 'answered', errcode };
  const fault = answer ? 'answer_unexpected' : faultOfBody(reply.body);
  return { kind: 'unknown', cause: new NetworkFault(fault, "The platform's answer has no error number.") };
}
