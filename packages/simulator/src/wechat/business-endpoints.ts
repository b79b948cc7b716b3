import type { Account } from './account.js';
import { authorized } from './authorized.js';
import type { Platform } from './platform.js';
import { Refusal } from '../refusal.js';
import { postedObject, text, type WechatAnswer, type WechatHandler } from './wechat-call.js';
import type { HttpCall } from '../read-call.js';

const TICKET_TYPES: readonly string[] = ['jsapi', 'wx_card'];

export const apiDomainIp = business(() => ({ ip_list: ['101.226.212.27', '101.226.233.128'] }));

export const callbackIp = business(() => ({ ip_list: ['101.226.62.77', '101.226.62.78'] }));

export const sendCustomMessage = business((_, call) => {
  if (text(postedObject(call).touser) === '') throw new Refusal(40003);
  return { errcode: 0, errmsg: 'ok' };
});

/** `expires_in` never counts down, and the ticket changes before that time is over. */
export const getTicket = business((account, { query }, platform, nowMs) => {
  const type = query.get('type') ?? '';
  if (!TICKET_TYPES.includes(type)) throw new Refusal(40097);
  return {
    errcode: 0,
    errmsg: 'ok',
    ticket: platform.tickets.ticket(account.appId, type, nowMs),
    expires_in: Math.floor(platform.settings.lifeMs / 1000),
  };
});

/** A call that needs a good token and counts against its path's quota. */
export function business(
  answer: (account: Account, call: HttpCall, platform: Platform, nowMs: number) => WechatAnswer['body'],
): WechatHandler {
  return (call, platform, nowMs) => {
    const account = authorized(call, platform, nowMs);
    account.quota(call.path).take(nowMs);
    return { body: answer(account, call, platform, nowMs) };
  };
}
