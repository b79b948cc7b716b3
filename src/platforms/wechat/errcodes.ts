import { isIP } from 'node:net';
import type { ErrorCode } from '../../core/error-code.js';
import type { ErrcodeAdvice, RefusalClass } from '../../core/ports/token-issuer.js';

/** What WeChat answers to a business call whose token is dead. At a token endpoint 40001 means a wrong secret instead. */
export const DEAD_TOKEN_ERRCODES: ReadonlySet<ErrorCode> = new Set([40001, 40014, 42001]);

const SECRET_REJECTED: ReadonlySet<ErrorCode> = new Set([40001, 40125]);

/** Not on a whitelist, or waiting for or refused by an administrator, which WeChat decides address by address. */
const ADDRESS_REJECTED: ReadonlySet<ErrorCode> = new Set([40164, 45035, 61004, 89501, 89503, 89506, 89507]);

const ADMIN_CONSENT =
  "WeChat wants an administrator's consent for this IP address: confirm it in the message that WeChat sent to the app's administrators.";
const USER_CONSENT =
  "The user must authorise the app again; this concerns the user's own grant, not the app's access token.";

const ADDRESS_HELD_BACK =
  "WeChat holds back calls from this IP address until an administrator has agreed; see the IP settings in WeChat's console.";
const ACCOUNT_OR_ADDRESS =
  "WeChat refuses the call because of the account's or IP address's settings; check both in WeChat's console.";

/** At a token endpoint, those that pass by themselves. */
export const PASSING_ERRCODES = [-1, 45011, 45009] as const;

/** At a token endpoint; what is not here is `configuration`. */
const CLASSES: Readonly<Record<ErrorCode, RefusalClass>> = {
  [-1]: 'busy',
  45011: 'minute_quota',
  45009: 'day_quota',
};

/** What a person does about each known code. */
export const REMEDIES: Readonly<Record<ErrorCode, string>> = {
  0: 'WeChat took the call, so that the token is good; report 40001, 42001 and 40014 alone.',
  // At the token endpoints; some of them on business calls too
  [-1]: 'WeChat is busy; nothing to do, the same call works again shortly.',
  45011: 'Too many calls this minute; call less often and go on in the next minute.',
  45009:
    "The day's quota is used up: wait for 00:00 UTC+8 or clear it in WeChat's console; if it is that of token fetches, find who else uses this AppSecret, or switch to the stable grant.",
  40001: "The AppSecret is not this app's; set the one that WeChat's console shows for this AppID.",
  40002:
    'WeChat does not know the grant_type; check that apiBaseUrl is WeChat and nothing rewrites the request.',
  40013: "WeChat does not know the AppID; copy it from WeChat's console and check it letter by letter.",
  40125: "The AppSecret is wrong or was reset; set the one that WeChat's console shows for this AppID.",
  40164:
    "Add the broker's outgoing IP address, which the message names, to the IP whitelist (IP白名单) in the app's development settings on mp.weixin.qq.com.",
  40243: "The AppSecret is frozen; unfreeze it in WeChat's console, which takes about ten minutes to work.",
  41002: 'The AppID did not reach WeChat; set appId and check that nothing rewrites the request.',
  41004: 'The AppSecret did not reach WeChat; set appSecret and check that nothing rewrites the request.',
  43002:
    'WeChat saw a GET where it wants a POST; check that nothing between here and WeChat rewrites the request.',
  50004:
    "WeChat forbids this account to fetch tokens, perhaps as a penalty; see the notices in WeChat's console.",
  50007: "The account is frozen; see the notices in WeChat's console.",
  61024:
    'This AppID is a third-party platform, whose tokens come from api_component_token; configure the AppID of the app itself.',
  89501: ADMIN_CONSENT,
  89503: ADMIN_CONSENT,
  89506:
    'An administrator refused this IP address twice, so WeChat blocks it for 24 hours; agree with the administrators before the next try.',
  89507:
    'An administrator refused this IP address, so WeChat blocks it for an hour; agree with the administrators before the next try.',
  // On business calls: the token that was sent
  40014: 'WeChat says that the access token is not valid; get the current one from the broker.',
  42001: 'The access token has expired; get the current one from the broker.',
  41001: 'The call was sent without an access token; get one from the broker and send it as access_token.',
  48001:
    "The app may not use this API, or the token is of a kind that the API does not take; see the app's permissions in WeChat's console.",
  48004:
    "WeChat has blocked this API for the account after a violation; see the notices in WeChat's console.",
  50001: 'The user or app may not use this API; a new token does not change that.',
  50002: "The account or user is restricted; see the notices in WeChat's console.",
  50005: 'The user does not follow the account, so the call cannot reach that user.',
  40003: 'The openid is wrong or belongs to another app; use the one that this app received.',
  // On business calls: other kinds of token
  40029: USER_CONSENT,
  40030: USER_CONSENT,
  40163: USER_CONSENT,
  42002: USER_CONSENT,
  42003: USER_CONSENT,
  42007: USER_CONSENT,
  42006: "The component_access_token has expired; it comes from the third-party platform's own server.",
  40082: "The suite_access_token is not valid; it comes from the WeCom suite's own server.",
  42009: "The suite_access_token has expired; it comes from the WeCom suite's own server.",
  61003: 'The account has not authorised this third-party platform; its administrator must do so.',
  61007:
    'The account has not granted this API to the third-party platform; its administrator must authorise it again with that permission.',
  61014: "This API takes the third-party platform's component_access_token, not the app's access token.",
  // On business calls: where the call comes from
  45035: "The calling IP address is not on the app's whitelist; add it in WeChat's console.",
  61004: "The calling IP address is not registered for the third-party platform; add it in WeChat's console.",
};

/**
 * What a known code means. An unknown one counts as `configuration`: what passes by itself is documented (-1, 45011),
 * and what is not is mostly a state of the account, where asking in a loop burns the quota and can get the address blocked.
 */
export function explain(errcode: ErrorCode): ErrcodeAdvice {
  const remedy = REMEDIES[errcode] ?? familyRemedy(errcode);
  return {
    class: CLASSES[errcode] ?? 'configuration',
    remedy: remedy ?? `Look errcode ${errcode} up in WeChat's list of return codes (全局返回码).`,
    secretRejected: SECRET_REJECTED.has(errcode),
    addressRejected: ADDRESS_REJECTED.has(errcode),
    curedByNewToken: curedByNewToken(errcode, remedy !== undefined),
  };
}

function curedByNewToken(errcode: ErrorCode, isKnown: boolean): ErrcodeAdvice['curedByNewToken'] {
  if (DEAD_TOKEN_ERRCODES.has(errcode)) return 'yes';
  return isKnown || errcode === 0 ? 'no' : 'perhaps';
}

function familyRemedy(errcode: ErrorCode): string | undefined {
  if (typeof errcode !== 'number') return undefined;
  if (errcode >= 89500 && errcode <= 89599) return ADDRESS_HELD_BACK;
  if (errcode >= 89000 && errcode <= 89999) return ACCOUNT_OR_ADDRESS;
  return undefined;
}

const STABLE_HINT =
  'could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r';

/** Texts that WeChat's endpoints for tokens, tickets and logins answer with, from its documentation and from answers seen, without what follows `rid:`. */
const TEXTS: ReadonlySet<string> = new Set([
  'system error',
  'invalid credential',
  'invalid credential, access_token is invalid or not latest',
  `invalid credential, access_token is invalid or not latest, ${STABLE_HINT}`,
  'invalid grant_type',
  'invalid openid',
  'invalid appid',
  'invalid access_token',
  'invalid url',
  'invalid args',
  'invalid appsecret',
  'appsecret is frozen',
  'access_token missing',
  'appid missing',
  'appsecret missing',
  'access_token expired',
  'require GET method',
  'require POST method',
  'empty post data',
  'reach max api daily quota limit',
  `reach max api daily quota limit, ${STABLE_HINT}`,
  'api minute-quota reach limit, must slower, retry next minute',
  'api minute-quota reach limit mustslower retry next minute',
  'api freq out of limit',
  'data format error',
  'api unauthorized',
  'api forbidden for irregularities, view detail on mp.weixin.qq.com',
  'user limited',
  'user not allow to use accesstoken, maybe for punishment',
  'account is frozen',
  'must use api(api_component_token) to get token for component acct',
  'this ip is waiting for confirmation by the admin',
  'this call needs confirmation by the admin',
  'this ip was refused twice by the admin within 24 hours, retry after 24 hours',
  'this ip was refused by the admin within 1 hour, retry after 1 hour',
  // Of the login calls
  'invalid code',
  'code been used',
  'code expired',
  'code missing',
  'missing code',
  'code blocked',
  'invalid refresh_token',
  'refresh_token expired',
  'refresh_token missing',
  'missing refresh_token',
  'openid missing',
  'invalid signature',
]);

/** With an address, in two forms: `ipv6` was added in 2021. */
const NOT_LISTED = /^invalid ip (\S{1,45}?)(?: ipv6 (\S{1,45}?))?, not in whitelist$/;
/** The id that WeChat's support asks for. */
const RID = /^(.*?),? rid: ([0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8})$/;

/**
 * The platform's message if it is one that WeChat is known to send, with its `rid`; else an empty text. An answer, of WeChat
 * or of what stands in between, may hold the request's secret in any form: as it is, in hex, in upper case, in entities.
 *
 * @param secrets the `rid` must hold no part of them
 */
export function knownMessage(errmsg: unknown, secrets: readonly unknown[]): string {
  if (typeof errmsg !== 'string') return '';
  const [, before = errmsg, rid] = RID.exec(errmsg) ?? [];
  if (!TEXTS.has(before) && !namesAnAddress(before)) return '';
  return rid === undefined || isPartOf(rid, secrets) ? before : `${before} rid: ${rid}`;
}

function namesAnAddress(text: string): boolean {
  const [, one, other = one] = NOT_LISTED.exec(text) ?? [];
  return [one, other].every((address) => address !== undefined && isIP(address) !== 0);
}

function isPartOf(rid: string, secrets: readonly unknown[]): boolean {
  const texts = secrets.filter((secret) => typeof secret === 'string').map((secret) => secret.toLowerCase());
  const hex = texts.map((text) => Buffer.from(text).toString('hex'));
  return rid.split('-').some((group) => [...texts, ...hex].some((text) => text.includes(group)));
}
