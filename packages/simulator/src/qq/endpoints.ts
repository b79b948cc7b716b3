import type { HttpReply } from '../http-reply.js';
import type { HttpCall } from '../read-call.js';
import type { IssuedTokens, Platform } from './platform.js';
import type { QqApp } from './qq-app.js';
import { QqError } from './qq-error.js';

export const TOKEN_PATH = '/oauth2.0/token';
const PROFILE_PATH = '/user/get_user_info';

/** As the platform labels whatever is no JSON. */
const HTML = 'text/html; charset=utf-8';
const JSON_TYPE = 'application/json; charset=utf-8';

const CODE_ERRORS = { unknown: 100019, foreign: 100019, expired: 100019, used: 100020 } as const;

/** Answers one API call as of `nowMs`. Throws a QqError. */
type QqHandler = (parameters: URLSearchParams, platform: Platform, nowMs: number) => HttpReply;

const token: QqHandler = (parameters, platform, nowMs) => {
  const grantType = parameters.get('grant_type');
  if (grantType === 'authorization_code') return exchange(parameters, platform, nowMs);
  if (grantType !== 'refresh_token') throw new QqError(100004);
  const app = authenticated(parameters, platform);
  const issued = platform.refresh(app.appId, required(parameters, 'refresh_token', 100006), nowMs);
  return tokenReply(issued, parameters, platform, nowMs);
};

/** Whose token it is. */
const me: QqHandler = (parameters, platform, nowMs) => {
  const { appId, openid } = platform.check(parameters.get('access_token') ?? '', nowMs);
  const app = platform.app(appId);
  const wantsUnionid = parameters.get('unionid') === '1';
  if (wantsUnionid && app?.unionidAllowed !== true) throw new QqError(100048);
  const unionid = wantsUnionid ? app?.users.find(openid)?.unionid : undefined;
  return reply({ client_id: appId, openid, ...(unionid !== undefined && { unionid }) }, parameters);
};

/** The gender is what the platform takes everybody for who says nothing; the larger picture may be missing. */
const userInfo: QqHandler = (parameters, platform, nowMs) => {
  const grant = platform.check(parameters.get('access_token') ?? '', nowMs);
  if (parameters.get('oauth_consumer_key') !== grant.appId) throw new QqError(100008);
  if (parameters.get('openid') !== grant.openid) throw new QqError(-1);
  if (!grant.scope.split(',').includes('get_user_info')) throw new QqError(100030);
  const user = platform.app(grant.appId)?.users.find(grant.openid);
  const picture = user?.headimgurl ?? '';
  const body = {
    ...{ ret: 0, msg: '', is_lost: 0, nickname: user?.nickname, gender: '男', gender_type: 1 },
    ...{ province: '', city: '', year: '1990', constellation: '' },
    ...{ figureurl: picture, figureurl_1: picture, figureurl_2: picture, figureurl_qq_1: picture },
    ...{ figureurl_type: '0', is_yellow_vip: '0', vip: '0', yellow_vip_level: '0', level: '0' },
  };
  return { status: 200, contentType: JSON_TYPE, text: JSON.stringify(body) };
};

const ROUTES: ReadonlyMap<string, QqHandler> = new Map([
  [TOKEN_PATH, token],
  ['/oauth2.0/me', me],
  [PROFILE_PATH, userInfo],
]);

/** Undefined for a path that the simulated platform does not have. */
export function answerTo(call: HttpCall, platform: Platform, nowMs: number): HttpReply | undefined {
  return ROUTES.get(call.path)?.(parametersOf(call), platform, nowMs);
}

/** HTTP 200 in any case: JSONP, bare JSON where that was asked for, and the profile's own form. */
export function errorReply(call: HttpCall, error: number, text: string): HttpReply {
  if (call.path !== PROFILE_PATH) return reply({ error, error_description: text }, parametersOf(call));
  return { status: 200, contentType: JSON_TYPE, text: JSON.stringify({ ret: error, msg: text }) };
}

/** Of the query, and of a form that was posted. */
export function parametersOf({ query, body }: HttpCall): URLSearchParams {
  return new URLSearchParams([...query, ...new URLSearchParams(body)]);
}

/** Wrong credentials, a wrong redirect_uri and whatever else fails spend the code as well. */
function exchange(parameters: URLSearchParams, platform: Platform, nowMs: number): HttpReply {
  const code = parameters.get('code') ?? '';
  let app: QqApp;
  try {
    app = authenticated(parameters, platform);
  } catch (error) {
    if (code !== '') platform.codes.spend(code, '', nowMs);
    throw error;
  }
  const found = platform.codes.spend(required(parameters, 'code', 100005), app.appId, nowMs);
  if ('fault' in found) throw new QqError(CODE_ERRORS[found.fault]);
  if (parameters.get('redirect_uri') !== found.grant.redirectUri) throw new QqError(100010);
  return tokenReply(platform.grant(app.appId, found.grant, nowMs), parameters, platform, nowMs);
}

function authenticated(parameters: URLSearchParams, platform: Platform): QqApp {
  const app = platform.app(required(parameters, 'client_id', 100001));
  const secret = required(parameters, 'client_secret', 100002);
  if (!app) throw new QqError(100008);
  if (secret !== app.appKey) throw new QqError(100009);
  if (app.offline) throw new QqError(100011);
  return app;
}

function required(parameters: URLSearchParams, name: string, error: number): string {
  const value = parameters.get(name) ?? '';
  if (value === '') throw new QqError(error);
  return value;
}

function tokenReply(
  { token: issued, grant }: IssuedTokens,
  parameters: URLSearchParams,
  { settings }: Platform,
  nowMs: number,
): HttpReply {
  const seconds = Math.floor((issued.expiresAtMs - nowMs) / 1000);
  const isJson = parameters.get('fmt') === 'json';
  const body = {
    access_token: issued.value,
    expires_in: isJson && settings.jsonLife === 'number' ? seconds : String(seconds),
    refresh_token: grant.refreshToken,
    ...(parameters.get('need_openid') === '1' && { openid: grant.openid }),
  };
  if (isJson) return { ...reply(body, parameters), token: issued };
  const form = new URLSearchParams(
    Object.entries(body).map(([name, value]): [string, string] => [name, String(value)]),
  );
  return { status: 200, contentType: HTML, text: form.toString(), token: issued };
}

function reply(body: object, parameters: URLSearchParams): HttpReply {
  const text = JSON.stringify(body);
  if (parameters.get('fmt') === 'json') return { status: 200, contentType: JSON_TYPE, text };
  return { status: 200, contentType: HTML, text: `callback( ${text} );\n` };
}
