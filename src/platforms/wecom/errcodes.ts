import { isIP } from 'node:net';
import type { ErrorCode } from '../../core/error-code.js';
import type { ErrcodeAdvice, RefusalClass } from '../../core/ports/token-issuer.js';

/**
 * What WeCom answers to a business call whose token is dead: 42001 and 40014 both, for an expired token as well; 40001 in
 * old reports. At gettoken 40001 means a wrong secret instead.
 */
export const DEAD_TOKEN_ERRCODES: ReadonlySet<ErrorCode> = new Set([40001, 40014, 42001]);

const SECRET_REJECTED: ReadonlySet<ErrorCode> = new Set([40001, 40091]);

const ADDRESS_REJECTED: ReadonlySet<ErrorCode> = new Set([60020]);

/** Of gettoken and the tickets, those that pass by themselves. */
export const PASSING_ERRCODES = [-1, 45009, 45033] as const;

/** Of gettoken and the tickets; what is not here is `configuration`. A block lasts a minute, an hour or a day: the code does not say. */
const CLASSES: Readonly<Record<ErrorCode, RefusalClass>> = {
  [-1]: 'busy',
  45009: 'minute_quota',
  45033: 'busy',
};

/** The refused calls of an hour that get a corp blocked are counted for an hour; asking each minute ends none of it. */
export const RETRY_AFTER_MS: Readonly<Record<ErrorCode, number>> = { 45009: 5 * 60_000 };

/** What a person does about each known code. */
export const REMEDIES: Readonly<Record<ErrorCode, string>> = {
  [-1]: 'WeCom is busy; nothing to do, the same call works again shortly.',
  40001:
    "The Secret is not this app's, was reset, or the app is disabled: set the one that WeCom's console shows for this app, and enable the app.",
  40013: "WeCom does not know the CorpID; copy it from 我的企业 in WeCom's console.",
  40014:
    'WeCom says that the access token is not valid, or it is of another app or kind; get the current one from the broker.',
  40035: 'WeCom does not take a parameter; check that nothing rewrites the request.',
  40056: "The AgentId is wrong; copy it from the app's page in WeCom's console.",
  40091: "The Secret is wrong; set the one that WeCom's console shows for this app.",
  41001: 'The call was sent without an access token; get one from the broker and send it as access_token.',
  41002: 'The CorpID did not reach WeCom; set corpId and check that nothing rewrites the request.',
  41004: 'The Secret did not reach WeCom; set corpSecret and check that nothing rewrites the request.',
  42001: 'The access token has expired; get the current one from the broker.',
  45009:
    'Too many calls: of one API in a minute or an hour, or about 2000 refused fetches in an hour, which block the corp for an hour. Find what calls so often or with a wrong secret.',
  45033: 'Too many calls of the corp at the same time; call with less parallelism.',
  48002: "The app may not use this API; see the app's permissions in WeCom's console.",
  48004: "WeCom has blocked this API for the corp; see the notices in WeCom's console.",
  50001: 'The page or redirect domain is not registered with the app; add it in its settings (可信域名).',
  60011: "The app's visible range does not cover the member or department; extend it in WeCom's console.",
  60020:
    "The calling IP address, which the message names, is not trusted: add it to the app's trusted IPs (企业可信IP) in WeCom's console, which takes about a minute to work.",
  301002: 'The token belongs to another app of the corp: use the token of the app that the call is about.',
  301007: 'The member has not joined the corp or is disabled.',
  40082:
    "The suite_access_token or provider_access_token is not valid; it comes from the provider's own server.",
  42009: "The suite_access_token has expired; it comes from the provider's own server.",
};

/** What a known code means. An unknown one counts as `configuration`: what passes by itself is documented. */
export function explain(errcode: ErrorCode): ErrcodeAdvice {
  const remedy = REMEDIES[errcode];
  return {
    class: CLASSES[errcode] ?? 'configuration',
    remedy:
      remedy ??
      `Look errcode ${errcode} up: https://open.work.weixin.qq.com/devtool/query?e=${errcode} shows what WeCom means by it.`,
    secretRejected: SECRET_REJECTED.has(errcode),
    addressRejected: ADDRESS_REJECTED.has(errcode),
    curedByNewToken: DEAD_TOKEN_ERRCODES.has(errcode)
      ? 'yes'
      : remedy === undefined && errcode !== 0
        ? 'perhaps'
        : 'no',
  };
}

/** What WeCom's token and ticket endpoints answer with, without what follows `hint:`. It may change at any time. */
const TEXTS: ReadonlySet<string> = new Set([
  'system error',
  'invalid credential',
  'invalid corpid',
  'invalid secret',
  'invalid access_token',
  'invalid parameter',
  'invalid corpsecret',
  'access_token missing',
  'access_token expired',
  'corpid missing',
  'corpsecret missing',
  'api freq out of limit',
  'api concurrent out of limit',
  'not allow to access from your ip',
  'not allow operate another agent with this accesstoken',
]);

/** As in `invalid credential, hint: [1700000000123456], from ip: 203.0.113.7, more info at https://…`. */
const PARTS =
  /^(.{1,100}?)(?:, hint: \[\d{1,40}\])?(?:, from ip: ([0-9A-Fa-f.:]{1,45}))?(?:, more info at \S{1,100})?$/;

/** The message if it is one that WeCom is known to send, with the address that it names; else an empty text: an answer may hold the request's secret in any form. */
export function knownMessage(errmsg: unknown): string {
  const [, text = '', ip = ''] = PARTS.exec(String(errmsg)) ?? [];
  if (!TEXTS.has(text)) return '';
  return isIP(ip) === 0 ? text : `${text}, from ip: ${ip}`;
}
