import { randomInt } from 'node:crypto';

/** From the platform's pages and from answers seen, except where a line says otherwise. */
const TEXTS: Readonly<Record<number, string>> = {
  [-1]: 'system error',
  40001: 'invalid credential',
  40013: 'invalid corpid',
  40014: 'invalid access_token',
  40035: 'invalid parameter', // not verified
  40091: 'invalid secret', // not verified
  41001: 'access_token missing',
  41002: 'corpid missing',
  41004: 'corpsecret missing',
  42001: 'access_token expired',
  45009: 'api freq out of limit',
  45033: 'api concurrent out of limit', // not verified
  60020: 'not allow to access from your ip',
  301002: 'not allow operate another agent with this accesstoken',
};
const HINT_DIGITS = 15;

/** The whole `errmsg`: it may change at any time and callers must not match on it. `text` replaces the platform's own words. */
export function errmsg(errcode: number, callerIp: string, nowMs: number, text = TEXTS[errcode]): string {
  const digits = Array.from({ length: HINT_DIGITS }, () => randomInt(10)).join('');
  const hint = `${String(Math.floor(nowMs / 1000))}${digits}`;
  const link = `https://open.work.weixin.qq.com/devtool/query?e=${String(errcode)}`;
  return `${text ?? 'simulated error'}, hint: [${hint}], from ip: ${callerIp}, more info at ${link}`;
}
