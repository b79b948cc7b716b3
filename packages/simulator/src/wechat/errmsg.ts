import { randomBytes } from 'node:crypto';
import { isIPv4 } from 'node:net';

const STABLE_HINT =
  'could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r';

/** Seen on the wire or printed in the official tables, except where a line says otherwise. */
const TEXTS: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: `invalid credential, access_token is invalid or not latest, ${STABLE_HINT}`,
  40002: 'invalid grant_type',
  40003: 'invalid openid',
  40007: 'invalid media_id',
  40013: 'invalid appid',
  40014: 'invalid access_token',
  40029: 'invalid code',
  40030: 'invalid refresh_token',
  40031: 'invalid openid list',
  40032: 'invalid openid list size',
  40066: 'invalid url',
  40097: 'invalid args',
  40125: 'invalid appsecret',
  40163: 'code been used',
  40226: 'code blocked',
  40243: 'appsecret is frozen', // not verified
  41001: 'access_token missing',
  41002: 'appid missing',
  41003: 'refresh_token missing', // not verified
  41004: 'appsecret missing',
  41008: 'missing code',
  41005: 'media data missing',
  42001: 'access_token expired',
  42002: 'refresh_token expired',
  42003: 'code expired',
  42007: 'access_token and refresh_token exception', // not verified
  43002: 'require POST method',
  44002: 'empty post data',
  45009: 'reach max api daily quota limit',
  45011: 'api minute-quota reach limit, must slower, retry next minute',
  47001: 'data format error',
  48001: 'api unauthorized',
  48004: 'api forbidden for irregularities, view detail on mp.weixin.qq.com',
  48006: 'forbid to clear quota because of reaching the limit',
  50002: 'user limited',
  50004: 'user not allow to use accesstoken, maybe for punishment',
  50007: 'account is frozen', // not verified
  61024: 'must use api(api_component_token) to get token for component acct',
  76021: 'cgi_path not found, please check', // not verified
  76022: 'could not use this cgi_path, no permission', // not verified
  87008: 'invalid sig_method', // not verified
  87009: 'invalid signature',
  89501: 'this ip is waiting for confirmation by the admin', // not verified, and so the next three
  89503: 'this call needs confirmation by the admin',
  89506: 'this ip was refused twice by the admin within 24 hours, retry after 24 hours',
  89507: 'this ip was refused by the admin within 1 hour, retry after 1 hour',
};

/** Where the platform words a code differently. */
const TEXTS_BY_PATH: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  '/cgi-bin/token': { 45009: `reach max api daily quota limit, ${STABLE_HINT}` },
  '/cgi-bin/stable_token': { 45011: 'api minute-quota reach limit mustslower retry next minute' },
};

/** The whole `errmsg` with its rid. `text` replaces the platform's own words; a code without words is given plain ones. */
export function errmsg(
  errcode: number,
  request: { readonly path: string; readonly callerIp: string },
  nowMs: number,
  text = textOf(errcode, request.path, request.callerIp),
): string {
  const separator = request.path.startsWith('/sns/') ? ', rid: ' : ' rid: ';
  return text + separator + rid(nowMs);
}

function textOf(errcode: number, path: string, callerIp: string): string {
  if (errcode === 40164) {
    const ipv6 = isIPv4(callerIp) ? `::ffff:${callerIp}` : callerIp;
    return `invalid ip ${callerIp} ipv6 ${ipv6}, not in whitelist`;
  }
  return TEXTS_BY_PATH[path]?.[errcode] ?? TEXTS[errcode] ?? 'simulated error';
}

/** The request id that ends every errmsg: three groups of eight hex digits, the first of them the Unix time in seconds. */
function rid(nowMs: number): string {
  const seconds = Math.floor(nowMs / 1000)
    .toString(16)
    .padStart(8, '0');
  return [seconds, randomBytes(4).toString('hex'), randomBytes(4).toString('hex')].join('-');
}
