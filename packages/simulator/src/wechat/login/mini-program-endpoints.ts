import { Refusal } from '../../refusal.js';
import type { HttpCall } from '../../read-call.js';
import type { Account } from '../account.js';
import { business } from '../business-endpoints.js';
import type { Platform } from '../platform.js';
import { postedObject, text } from '../wechat-call.js';
import { spent } from './exchange-endpoints.js';

const OK = { errcode: 0, errmsg: 'ok' };

export const PHONE_NUMBER_PATH = '/wxa/business/getuserphonenumber';

/** The page lists no errcode of its own for a code that was used. */
const PHONE_CODE_ERRCODES = { unknown: 40029, foreign: 40013, used: 40029, expired: 40029 };

export const checkSession = business((account, call, platform) => {
  signedOpenid(account, call, platform);
  return OK;
});

export const resetSessionKey = business((account, call, platform) => {
  const openid = signedOpenid(account, call, platform);
  return { ...OK, openid, session_key: platform.logins.sessionKeys.renew(account.appId, openid) };
});

/** The code stands in the body and is no login code. A wrong openid spends it as well. */
export const phoneNumber = business((account, call, platform, nowMs) => {
  const { code, openid } = postedObject(call);
  const grant = spent(platform.logins.phoneCodes, text(code), account, nowMs, PHONE_CODE_ERRCODES);
  if (openid !== undefined && openid !== grant.openid) throw new Refusal(40003); // not verified
  const { phoneNumber: number, countryCode } = grant;
  return {
    ...OK,
    phone_info: {
      phoneNumber: countryCode === '86' ? number : `+${countryCode}${number}`,
      purePhoneNumber: number,
      countryCode,
      watermark: { timestamp: Math.floor(nowMs / 1000), appid: account.appId },
    },
  };
});

/** The openid that the call's signature belongs to. Throws a Refusal. */
function signedOpenid({ appId, users }: Account, { query }: HttpCall, { logins }: Platform): string {
  const openid = query.get('openid') ?? '';
  if (!users.find(openid)) throw new Refusal(40003);
  if (query.get('sig_method') !== 'hmac_sha256') throw new Refusal(87008);
  if (!logins.sessionKeys.isSignedBy(appId, openid, query.get('signature') ?? '')) throw new Refusal(87009);
  return openid;
}
