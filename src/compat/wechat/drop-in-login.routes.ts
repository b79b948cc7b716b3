import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { ApiRoute } from '../../api/common/api-route.js';
import {
  CHECK_USER_TOKEN,
  MINI_PROGRAM_LOGIN,
  REFRESH_USER_TOKEN,
  USERINFO,
  WEB_LOGIN,
} from './drop-in-login.api.js';
import type { DropInLogins } from './drop-in-logins.js';

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
