import { authorized } from './authorized.js';
import type { Quota } from './quota.js';
import { Refusal } from '../refusal.js';
import { postedObject, text, type WechatHandler } from './wechat-call.js';

const OK = { errcode: 0, errmsg: 'ok' };

export const clearQuota: WechatHandler = (call, platform, nowMs) => {
  const account = authorized(call, platform, nowMs);
  if (text(postedObject(call).appid) !== account.appId) throw new Refusal(40013);
  account.clearQuotas(nowMs);
  return { body: OK };
};

/** For those who cannot get a token any more. The secret may come in the query or in the body. */
export const clearQuotaBySecret: WechatHandler = (call, platform, nowMs) => {
  const posted = call.body.trim() === '' ? {} : postedObject(call);
  const appId = call.query.get('appid') ?? text(posted.appid);
  const secret = call.query.get('appsecret') ?? text(posted.appsecret);
  if (appId === '') throw new Refusal(41002);
  const account = platform.account(appId);
  if (!account) throw new Refusal(40013);
  if (secret === '') throw new Refusal(41004);
  if (secret !== account.appSecret) throw new Refusal(platform.settings.wrongSecretErrcode);
  account.clearQuotas(nowMs);
  return { body: OK };
};

/** `pathExists` says which paths there are. */
export function quotaGet(pathExists: (path: string) => boolean): WechatHandler {
  return (call, platform, nowMs) => {
    const account = authorized(call, platform, nowMs);
    const path = text(postedObject(call).cgi_path);
    if (path.startsWith('/sns/')) throw new Refusal(76022);
    if (!pathExists(path)) throw new Refusal(76021);
    return { body: { ...OK, ...describe(account.quota(path), nowMs) } };
  };
}

function describe({ day, minute }: Quota, nowMs: number): Record<string, unknown> {
  const used = day.used(nowMs);
  const quota = { daily_limit: day.limit, used, remain: day.limit - used };
  if (!Number.isFinite(minute.limit)) return { quota };
  return { quota, rate_limit: { call_count: minute.limit, refresh_second: 60 } };
}
