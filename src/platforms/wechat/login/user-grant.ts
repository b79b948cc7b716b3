import type { JsonObject } from '../../../core/json-object.js';
import type { UserGrant, UserTokens } from '../../../core/ports/login-provider.js';
import { numberOf } from '../../http/http-call.js';
import { Unreadable } from './login-call.js';

/** Ids have 28 characters, tokens up to 512 by the documents. */
const ID = /^[\x21-\x7e]{1,128}$/;
const TOKEN = /^[\x21-\x7e]{1,2048}$/;
const MAX_EXPIRES_IN_SECONDS = 400 * 24 * 3600;
/** Of a web authorization's refresh token, from the user's consent on; a refresh does not prolong it. */
const REFRESH_TOKEN_SECONDS = 30 * 24 * 3600;

/** What `/sns/oauth2/access_token` brought. The openid makes it a login: without one it is none. */
export function readWebGrant(answer: JsonObject): UserGrant | Unreadable {
  const tokens = readUserTokens(answer);
  if (tokens instanceof Unreadable) return tokens;
  const user = readUser(answer);
  if (user instanceof Unreadable) return user;
  return {
    ...user,
    scope: scopesOf(answer.scope),
    isSnapshot: numberOf(answer.is_snapshotuser) === 1,
    tokens: { ...tokens, refreshExpiresInSeconds: REFRESH_TOKEN_SECONDS },
  };
}

/** What `/sns/jscode2session` brought. */
export function readMiniProgramGrant(answer: JsonObject): UserGrant | Unreadable {
  const user = readUser(answer);
  if (user instanceof Unreadable) return user;
  const { session_key: sessionKey } = answer;
  if (!isText(sessionKey, TOKEN)) return new Unreadable('has no session_key');
  return { ...user, scope: [], isSnapshot: false, sessionKey };
}

/** The tokens of an exchange or a refresh. WeChat may hand back the same ones. */
export function readUserTokens(answer: JsonObject): UserTokens | Unreadable {
  const { access_token: accessToken, refresh_token: refreshToken } = answer;
  const expiresInSeconds = numberOf(answer.expires_in);
  if (!isText(accessToken, TOKEN)) return new Unreadable('has no access_token');
  if (refreshToken !== undefined && !isText(refreshToken, TOKEN)) {
    return new Unreadable('has a refresh_token that is none');
  }
  if (!isSeconds(expiresInSeconds)) return new Unreadable('has no expires_in');
  return { accessToken, expiresInSeconds, refreshToken };
}

/** A list with commas, sometimes with one at the end: `snsapi_base,snsapi_userinfo,`. */
function scopesOf(scope: unknown): readonly string[] {
  if (typeof scope !== 'string') return [];
  return scope
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function readUser({ openid, unionid }: JsonObject): Pick<UserGrant, 'openid' | 'unionid'> | Unreadable {
  if (!isText(openid, ID)) return new Unreadable('has no openid');
  return isText(unionid, ID) ? { openid, unionid } : { openid };
}

function isText(value: unknown, form: RegExp): value is string {
  return typeof value === 'string' && form.test(value);
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_EXPIRES_IN_SECONDS;
}
