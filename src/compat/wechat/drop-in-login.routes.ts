import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiRoute } from '../../api/common/api-route.js';
import type { DropInLogins } from './drop-in-logins.js';
import { anyObject, integer, object, text } from '../../api/common/schema.js';
import { platformErrorSchema, requiredText } from '../drop-in.js';

/** Profiles have names in all scripts. WeChat labels them as text without a charset, which some clients take for Latin-1. */
export const LOGIN_CONTENT_TYPE = 'application/json; charset=utf-8';

/** A parameter of the URL; `''` unless it was given once. */
type Given = (name: string) => string;

/** WeChat's login endpoints, in a scope whose prefix is /sns. Bodies are sent as WeChat wrote them. */
export function openLogins(scope: FastifyInstance, logins: DropInLogins): void {
  const open = (
    url: string,
    api: ApiRoute,
    answer: (given: Given, request: FastifyRequest) => Promise<string>,
  ): void => {
    scope.get(url, { config: { api } }, async (request, reply) => {
      const query = request.query as Readonly<Record<string, unknown>>;
      const given: Given = (name) => {
        const value = query[name];
        return typeof value === 'string' ? value : '';
      };
      const body = Buffer.from(await answer(given, request));
      void reply.header('content-type', LOGIN_CONTENT_TYPE).send(body);
      return reply;
    });
  };
  const exchange =
    (kind: 'web' | 'mini_program', codeName: string) => (given: Given, request: FastifyRequest) =>
      logins.exchange(
        {
          kind,
          appId: given('appid'),
          secret: given('secret'),
          code: given(codeName),
          grantType: given('grant_type'),
        },
        request,
      );
  open('/oauth2/access_token', WEB_LOGIN, exchange('web', 'code'));
  open('/jscode2session', MINI_PROGRAM_LOGIN, exchange('mini_program', 'js_code'));
  open('/oauth2/refresh_token', REFRESH_USER_TOKEN, (given, request) =>
    logins.refresh(
      { appId: given('appid'), grantType: given('grant_type'), refreshToken: given('refresh_token') },
      request,
    ),
  );
  const ofUser = (what: 'userinfo' | 'auth') => (given: Given, request: FastifyRequest) =>
    logins.ofUser(
      what,
      { accessToken: given('access_token'), openid: given('openid'), lang: given('lang') },
      request,
    );
  open('/userinfo', USERINFO, ofUser('userinfo'));
  open('/auth', CHECK_USER_TOKEN, ofUser('auth'));
}

const OPENID = 'oKj4x5Q2Zl0n8Rk3vYt7Wb1cDe9A';
const USER_TOKENS = {
  access_token: '83_user…',
  expires_in: 7200,
  refresh_token: '83_refresh…',
  openid: OPENID,
  scope: 'snsapi_base',
};
const secret = { ...requiredText, description: 'The API key, with the scope `login`. Proxies may log it.' };

const userTokensSchema = {
  title: 'WechatUserTokens',
  ...object(
    { access_token: text, expires_in: integer, refresh_token: text, openid: text, scope: text },
    { unionid: text, is_snapshotuser: integer },
  ),
};
const sessionSchema = {
  title: 'WechatSession',
  ...object({ openid: text, session_key: text }, { unionid: text }),
};

const answers = (schema: object, example: object, errcodes: string): ApiRoute['answers'] => ({
  200: {
    description: `As WeChat answered, errors included, which have errcode and errmsg: ${errcodes}`,
    schema: { anyOf: [schema, platformErrorSchema] },
    example,
  },
});

const OF_EXCHANGE =
  '40125 wrong API key, 40013 unknown or forbidden AppID, 48001 the key lacks the scope or the app is of another type, 41002 no appid, 41004 no secret, 41008 no code, 40002 grant_type; 40163 the code was used, also by another key, or nobody knows what became of it; -1 only where nothing was sent.';
const ONCE = 'One code is sent once, whatever happens. The same key gets the same answer for 60 s.';
const RELAYED = 'Only for what this broker handed out.';
const LOST = '50002 no answer came to what was sent; -1 only where nothing was sent.';

const WEB_LOGIN: ApiRoute = {
  access: 'public',
  summary: 'A code of a web page becomes a user, for SDKs of WeChat',
  description: ONCE,
  query: {
    appid: requiredText,
    secret,
    code: requiredText,
    grant_type: { ...requiredText, enum: ['authorization_code'] },
  },
  answers: answers(userTokensSchema, USER_TOKENS, OF_EXCHANGE),
};

const MINI_PROGRAM_LOGIN: ApiRoute = {
  access: 'public',
  summary: 'A code of wx.login becomes a user, for SDKs of WeChat',
  description: ONCE,
  query: {
    appid: requiredText,
    secret,
    js_code: requiredText,
    grant_type: { ...requiredText, enum: ['authorization_code'] },
  },
  answers: answers(sessionSchema, { openid: OPENID, session_key: 'tiihtNczf5v6AKRyjwEUhQ==' }, OF_EXCHANGE),
};

const REFRESH_USER_TOKEN: ApiRoute = {
  access: 'public',
  summary: "Renews a user's token, for SDKs of WeChat",
  description: RELAYED,
  query: {
    appid: requiredText,
    grant_type: { ...requiredText, enum: ['refresh_token'] },
    refresh_token: requiredText,
  },
  answers: answers(
    userTokensSchema,
    USER_TOKENS,
    `41002 no appid, 40002 grant_type, 41003 no refresh_token, 40030 none of this broker; ${LOST}`,
  ),
};

const OF_USER = { access_token: requiredText, openid: requiredText };
const OF_USER_ERRCODES = `41001 no access_token, 41009 no openid, 40003 a token that is none of this broker or has ended; ${LOST}`;

const USERINFO: ApiRoute = {
  access: 'public',
  summary: "A user's profile by the user's own token, for SDKs of WeChat",
  description: RELAYED,
  query: { ...OF_USER, lang: text },
  answers: answers(anyObject, { openid: OPENID, nickname: '小明' }, OF_USER_ERRCODES),
};

const CHECK_USER_TOKEN: ApiRoute = {
  access: 'public',
  summary: "Whether WeChat still takes a user's token, for SDKs of WeChat",
  description: RELAYED,
  query: OF_USER,
  answers: answers(anyObject, { errcode: 0, errmsg: 'ok' }, OF_USER_ERRCODES),
};
