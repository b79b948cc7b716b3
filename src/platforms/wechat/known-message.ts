import { isIP } from 'node:net';

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
