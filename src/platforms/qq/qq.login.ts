import { errorCodeOf } from '../../core/error-code.js';
import { type JsonObject, parseJsonObject } from '../../core/json-object.js';
import {
  type AuthorizeRequest,
  type CodeRequest,
  type LoginOutcome,
  LoginProvider,
  type UserGrant,
  type UserTokenRequest,
  type UserTokens,
} from '../../core/ports/login-provider.js';
import type { AppCredentials, Deadline } from '../../core/ports/token-issuer.js';
import { faultOfBody, numberOf, okOnly } from '../http/http-call.js';
import { type FaultId, NetworkFault } from '../http/network-fault.js';
import type { PlatformApi } from '../http/platform-api.js';
import { isSecretRejected, meaningOf } from './error-numbers.js';

type User = Pick<UserGrant, 'openid' | 'unionid'>;

const SCOPES = [
  'get_user_info',
  'get_vip_info',
  'get_vip_rich_info',
  'list_album',
  'upload_pic',
  'add_album',
  'list_photo',
];
/** The app was not granted the unionid of its users. */
const NO_UNIONID = 100048;

/** Tokens have 32 characters. */
const TEXT = /^[\x21-\x7e]{1,2048}$/;
const MAX_EXPIRES_IN_SECONDS = 400 * 24 * 3600;

export interface QqLoginOptions {
  readonly api: PlatformApi;
  /** Where the authorize page is, without a slash at its end. */
  readonly authorizeBaseUrl: string;
}

/** QQ Connect: a code for a token, then the token for the user's openid. A refresh token is taken only once. */
export class QqLogin extends LoginProvider {
  override readonly appType = 'qq';
  override readonly defaultScope = 'get_user_info';
  override readonly scopes: readonly string[] = SCOPES;

  constructor(private readonly options: QqLoginOptions) {
    super();
  }

  override authorizeUrl({ appId, redirectUri, state, scope }: AuthorizeRequest): string {
    const query = [
      ['response_type', 'code'],
      ['client_id', appId],
      ['redirect_uri', redirectUri],
      ['state', state],
      ['scope', scope],
    ].map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`);
    return `${this.options.authorizeBaseUrl}/oauth2.0/authorize?${query.join('&')}`;
  }

  /** Two calls, or three for an app without unionid. Whatever happens after the first, the code is spent. */
  async exchange(
    { appId, appSecret }: AppCredentials,
    { code, redirectUri }: CodeRequest,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserGrant>> {
    const query = {
      grant_type: 'authorization_code',
      client_id: appId,
      client_secret: appSecret,
      code,
      ...(redirectUri === null ? {} : { redirect_uri: redirectUri }),
      fmt: 'json',
    };
    const granted = await this.call('/oauth2.0/token', query, readTokens, deadline);
    if (granted.kind !== 'answered') return granted;
    const tokens = granted.value;
    const user = await this.user(tokens.accessToken, appId, deadline);
    if (user.kind === 'answered') {
      const value = { ...user.value, scope: [], isSnapshot: false, tokens };
      return { ...user, value };
    }
    if (user.kind === 'refused' && user.meaning === 'app_misconfigured') return user;
    const why = user.kind === 'refused' ? `refuses with ${String(user.errcode)}` : 'does not answer';
    const text = `The platform gave a token, but ${why} when asked for the user's openid.`;
    return { kind: 'unknown', cause: new NetworkFault('other', text) };
  }

  override refresh(
    { appId, appSecret }: AppCredentials,
    refreshToken: string,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserTokens>> {
    const query = {
      grant_type: 'refresh_token',
      client_id: appId,
      client_secret: appSecret,
      refresh_token: refreshToken,
      fmt: 'json',
    };
    return this.call('/oauth2.0/token', query, readTokens, deadline);
  }

  override profile(
    appId: string,
    { accessToken, openid }: UserTokenRequest,
    deadline: Deadline,
  ): Promise<LoginOutcome<JsonObject>> {
    const query = { access_token: accessToken, oauth_consumer_key: appId, openid };
    return this.call('/user/get_user_info', query, (answer) => answer, deadline);
  }

  private async user(accessToken: string, appId: string, deadline: Deadline): Promise<LoginOutcome<User>> {
    const ask = (more: Readonly<Record<string, string>>) =>
      this.call(
        '/oauth2.0/me',
        { access_token: accessToken, ...more, fmt: 'json' },
        (answer) => readUser(answer, appId),
        deadline,
      );
    const withUnionid = await ask({ unionid: '1' });
    const isNotGranted = withUnionid.kind === 'refused' && withUnionid.errcode === NO_UNIONID;
    return isNotGranted ? ask({}) : withUnionid;
  }

  private async call<T>(
    path: string,
    query: Readonly<Record<string, string>>,
    read: (answer: JsonObject) => T | null,
    deadline: Deadline,
  ): Promise<LoginOutcome<T>> {
    const request = { method: 'GET', path, query } as const;
    const reply = okOnly(await this.options.api.call(request, deadline));
    if (reply.kind !== 'answered') return reply;
    const { body } = reply;
    const answer = parseQqAnswer(body);
    if (!answer) return unreadable(faultOfBody(body));
    // `error` of the OAuth calls, `ret` of the others; as digits in the form.
    const errcode = errorCodeOf(numberOf(answer.error ?? answer.ret ?? 0));
    if (errcode === 0) {
      const value = read(answer);
      return value === null ? unreadable('answer_unexpected') : { kind: 'answered', value, body };
    }
    if (errcode === null) return unreadable('answer_unexpected');
    // QQ's texts are free text, and may quote the request.
    return {
      kind: 'refused',
      errcode,
      message: '',
      ...meaningOf(errcode),
      secretRejected: isSecretRejected(errcode),
    };
  }
}

/** QQ names no life of a refresh token: it is taken to live as long as the token that came with it. */
function readTokens({
  access_token: accessToken,
  refresh_token: refreshToken,
  ...answer
}: JsonObject): UserTokens | null {
  const expiresInSeconds = numberOf(answer.expires_in);
  if (!isText(accessToken) || !isSeconds(expiresInSeconds)) return null;
  return {
    accessToken,
    expiresInSeconds,
    ...(isText(refreshToken) ? { refreshToken, refreshExpiresInSeconds: expiresInSeconds } : {}),
  };
}

/** A token of another app is no login to this one. */
function readUser({ client_id: clientId, openid, unionid }: JsonObject, appId: string): User | null {
  if (String(clientId) !== appId || !isText(openid)) return null;
  return isText(unionid) ? { openid, unionid } : { openid };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && TEXT.test(value);
}

function isSeconds(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= MAX_EXPIRES_IN_SECONDS;
}

function unreadable<T>(fault: FaultId): LoginOutcome<T> {
  return { kind: 'unknown', cause: new NetworkFault(fault, "The platform's answer is not what QQ answers.") };
}

/**
 * QQ answers in three forms, whatever the content type says: JSON with `fmt=json`, a form without it, and an error as
 * JavaScript, `callback( {"error":100019,…} );`, even where a success is a form. Null for anything else.
 */
export function parseQqAnswer(body: string): JsonObject | null {
  const text = body.trim();
  const [, inCallback] = /^callback\s*\(([^]*)\)\s*;?$/.exec(text) ?? [];
  if (inCallback !== undefined) return parseJsonObject(inCallback);
  if (text.startsWith('{')) return parseJsonObject(text);
  return /^[\w.-]+=/.test(text) ? Object.fromEntries(new URLSearchParams(text)) : null;
}
