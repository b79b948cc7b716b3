import type { GatewayProfile, PathRule } from '../../core/ports/gateway-profile.js';
import { errcodeInAnswer } from '../http/http-call.js';

/**
 * Those that give a token or take the AppSecret; `/sns`, where tokens are the users' own; and `rid/get`, whose answer quotes
 * the URL of an earlier call, with its token.
 */
const FORBIDDEN =
  /^\/(?:cgi-bin\/(?:token|stable_token|component|component\/.*|openapi\/rid\/get|clear_quota\/v2)|sns|sns\/.*)$/;

/** WeChat's API takes the token in the query only. */
export function gatewayProfile({ apiBaseUrl }: { readonly apiBaseUrl: string }): GatewayProfile {
  return {
    baseUrl: apiBaseUrl,
    token: { kind: 'query', parameter: 'access_token' },
    ruleOf,
    errcodeOf: errcodeInAnswer,
  };
}

function ruleOf(path: string): PathRule {
  if (path === '/cgi-bin/clear_quota') return 'admin';
  if (path === '/cgi-bin/ticket/getticket') return 'ticket';
  return FORBIDDEN.test(path) ? 'forbidden' : 'open';
}
