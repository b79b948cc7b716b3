import { TOKEN_PATHS } from './account.js';
import { apiDomainIp, callbackIp, getTicket, sendCustomMessage } from './business-endpoints.js';
import { codeToSession, userAccessToken } from './login/exchange-endpoints.js';
import {
  checkSession,
  PHONE_NUMBER_PATH,
  phoneNumber,
  resetSessionKey,
} from './login/mini-program-endpoints.js';
import {
  checkUserToken,
  refreshUserToken,
  userInfo,
  userInfoBatch,
  userProfile,
} from './login/user-endpoints.js';
import { echo, getMedia, uploadMedia } from './media-endpoints.js';
import { clearQuota, clearQuotaBySecret, quotaGet } from './quota-endpoints.js';
import { Refusal } from '../refusal.js';
import { classicToken, stableToken } from './token-endpoints.js';
import type { WechatHandler } from './wechat-call.js';

const ROUTES: ReadonlyMap<string, WechatHandler> = new Map([
  [TOKEN_PATHS.classic, classicToken],
  [TOKEN_PATHS.stable, posted(stableToken)],
  ['/cgi-bin/get_api_domain_ip', apiDomainIp],
  ['/cgi-bin/getcallbackip', callbackIp],
  ['/cgi-bin/user/info', userInfo],
  ['/cgi-bin/user/info/batchget', posted(userInfoBatch)],
  ['/sns/oauth2/access_token', userAccessToken],
  ['/sns/oauth2/refresh_token', refreshUserToken],
  ['/sns/auth', checkUserToken],
  ['/sns/userinfo', userProfile],
  ['/sns/jscode2session', codeToSession],
  ['/wxa/checksession', checkSession],
  ['/wxa/resetusersessionkey', resetSessionKey],
  [PHONE_NUMBER_PATH, posted(phoneNumber)],
  ['/cgi-bin/message/custom/send', posted(sendCustomMessage)],
  ['/cgi-bin/ticket/getticket', getTicket],
  ['/cgi-bin/media/upload', posted(uploadMedia)],
  ['/cgi-bin/media/get', getMedia],
  ['/cgi-bin/echo', echo],
  ['/cgi-bin/clear_quota', posted(clearQuota)],
  ['/cgi-bin/clear_quota/v2', posted(clearQuotaBySecret)],
  ['/cgi-bin/openapi/quota/get', posted(quotaGet((path) => ROUTES.has(path)))],
]);

/** Undefined for a path that the simulated platform does not have. */
export function routeOf(path: string): WechatHandler | undefined {
  return ROUTES.get(path);
}

/** Calls that are documented as GET take any method: what the platform does then is not known. */
function posted(handler: WechatHandler): WechatHandler {
  return (call, platform, nowMs) => {
    if (call.method !== 'POST') throw new Refusal(43002);
    return handler(call, platform, nowMs);
  };
}
