import { isObject, type JsonObject } from '../../../core/json-object.js';
import {
  type AuthorizeRequest,
  type CodeRequest,
  type LoginOutcome,
  LoginProvider,
  type UserGrant,
  type UserTokenRequest,
  type UserTokens,
} from '../../../core/ports/login-provider.js';
import type { AppCredentials, Deadline } from '../../../core/ports/token-issuer.js';
import type { PlatformApi } from '../../http/platform-api.js';
import { callLogin, type LoginCall, Unreadable } from './login-call.js';
import { readUserTokens, readWebGrant } from './user-grant.js';

const WEB_APPS = {
  /** 网页授权: pages inside WeChat. */
  official_account: { path: '/connect/oauth2/authorize', scopes: ['snsapi_base', 'snsapi_userinfo'] },
  /** 网站应用: a QR code on a page of any browser. */
  website: { path: '/connect/qrconnect', scopes: ['snsapi_login'] },
} as const;

export interface WebLoginOptions {
  readonly appType: keyof typeof WEB_APPS;
  readonly api: PlatformApi;
  /** Where the authorize page is, without a slash at its end. */
  readonly authorizeBaseUrl: string;
}

/** Logins in a browser: of an official account inside WeChat, of a website outside. */
export class WebLogin extends LoginProvider {
  override readonly appType: keyof typeof WEB_APPS;
  override readonly scopes: readonly string[];
  override readonly maxUsersPerCall: number;

  constructor(private readonly options: WebLoginOptions) {
    super();
    this.appType = options.appType;
    this.scopes = WEB_APPS[options.appType].scopes;
    this.maxUsersPerCall = options.appType === 'official_account' ? MAX_USERS_PER_CALL : 0;
  }

  override get defaultScope(): string {
    return WEB_APPS[this.options.appType].scopes[0];
  }

  /** WeChat documents the order of the parameters as strict, and wants `#wechat_redirect` last. */
  override authorizeUrl({ appId, redirectUri, state, scope, forcePopup }: AuthorizeRequest): string {
    const query = [
      ['appid', appId],
      ['redirect_uri', redirectUri],
      ['response_type', 'code'],
      ['scope', scope],
      ['state', state],
      ...(forcePopup ? [['forcePopup', 'true']] : []),
    ].map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`);
    const { path } = WEB_APPS[this.options.appType];
    return `${this.options.authorizeBaseUrl}${path}?${query.join('&')}#wechat_redirect`;
  }

  exchange(
    { appId, appSecret }: AppCredentials,
    { code }: CodeRequest,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserGrant>> {
    const query = { appid: appId, secret: appSecret, code, grant_type: 'authorization_code' };
    return this.call('/sns/oauth2/access_token', query, deadline, {
      secrets: [appSecret, code],
      takesSecret: true,
      read: readWebGrant,
    });
  }

  /** Takes no AppSecret. */
  override refresh(
    { appId }: AppCredentials,
    refreshToken: string,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserTokens>> {
    const query = { appid: appId, grant_type: 'refresh_token', refresh_token: refreshToken };
    return this.call('/sns/oauth2/refresh_token', query, deadline, {
      secrets: [refreshToken],
      // WeChat's page of this call names 40029 for a refresh token that it does not take.
      meanings: { 40029: 'reauthorize_required' },
      read: readUserTokens,
    });
  }

  override profile(
    _appId: string,
    { accessToken, openid, lang = 'zh_CN' }: UserTokenRequest & { readonly lang?: string | undefined },
    deadline: Deadline,
  ): Promise<LoginOutcome<JsonObject>> {
    const query = { access_token: accessToken, openid, lang };
    return this.call('/sns/userinfo', query, deadline, {
      secrets: [accessToken],
      read: (answer) => (answer.openid === openid ? answer : new Unreadable('is not about this user')),
    });
  }

  override checkToken(
    { accessToken, openid }: UserTokenRequest,
    deadline: Deadline,
  ): Promise<LoginOutcome<JsonObject>> {
    const query = { access_token: accessToken, openid };
    return this.call('/sns/auth', query, deadline, { secrets: [accessToken], read: (answer) => answer });
  }

  override users(
    globalToken: string,
    request: { readonly openids: readonly string[]; readonly lang?: string | undefined },
    deadline: Deadline,
  ): Promise<LoginOutcome<readonly JsonObject[]>> {
    return fetchUsers(this.options.api, globalToken, request, deadline);
  }

  private call<T>(
    path: string,
    query: Readonly<Record<string, string>>,
    deadline: Deadline,
    call: Omit<LoginCall<T>, 'request'>,
  ): Promise<LoginOutcome<T>> {
    const request = { method: 'GET', path, query } as const;
    return callLogin(this.options.api, { request, ...call }, deadline);
  }
}

/** Of `batchget`. */
const MAX_USERS_PER_CALL = 100;

/** What WeChat knows of users by the app's own token. One openid that is none makes it refuse all of a call with 40003. */
export async function fetchUsers(
  api: PlatformApi,
  globalToken: string,
  { openids, lang = 'zh_CN' }: { readonly openids: readonly string[]; readonly lang?: string | undefined },
  deadline: Deadline,
): Promise<LoginOutcome<readonly JsonObject[]>> {
  const [only = '', ...others] = openids;
  const query = { access_token: globalToken };
  const call =
    others.length === 0
      ? {
          request: {
            method: 'GET',
            path: '/cgi-bin/user/info',
            query: { ...query, openid: only, lang },
          } as const,
          read: (answer: JsonObject) => inOrder(openids, [answer]),
        }
      : {
          request: {
            method: 'POST',
            path: '/cgi-bin/user/info/batchget',
            query,
            data: { user_list: openids.map((openid) => ({ openid, lang })) },
          } as const,
          read: ({ user_info_list: list }: JsonObject) => inOrder(openids, list),
        };
  return callLogin(api, { ...call, secrets: [globalToken] }, deadline);
}

function inOrder(openids: readonly string[], list: unknown): readonly JsonObject[] | Unreadable {
  const users: readonly unknown[] = Array.isArray(list) ? list : [];
  const byOpenid = new Map(users.filter(isObject).map((user) => [user.openid, user]));
  const found = openids.map((openid) => byOpenid.get(openid)).filter((user) => user !== undefined);
  return found.length === openids.length
    ? found
    : new Unreadable('does not have all the users that it was asked for');
}
