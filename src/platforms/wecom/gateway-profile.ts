import type { GatewayProfile } from '../../core/ports/gateway-profile.js';
import { errcodeInAnswer } from '../http/http-call.js';

/** Those that give a token, or a ticket, of which the broker keeps its own; `service` is for providers, whose tokens are of another kind. */
const FORBIDDEN = /^\/cgi-bin\/(?:gettoken|corp\/gettoken|get_jsapi_ticket|ticket\/get|service|service\/.*)$/;

/** WeCom's API takes the token in the query only. */
export function gatewayProfile({ apiBaseUrl }: { readonly apiBaseUrl: string }): GatewayProfile {
  return {
    baseUrl: apiBaseUrl,
    token: { kind: 'query', parameter: 'access_token' },
    ruleOf: (path) => (FORBIDDEN.test(path) ? 'forbidden' : 'open'),
    errcodeOf: errcodeInAnswer,
  };
}
