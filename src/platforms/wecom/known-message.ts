import { isIP } from 'node:net';

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
