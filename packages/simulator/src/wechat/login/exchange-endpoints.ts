import type { CodeBook } from '../../login/code-book.js';
import { type CodeFault } from '../../login/code-book.js';
import { Refusal } from '../../refusal.js';
import type { HttpCall } from '../../read-call.js';
import { consequencesOf } from '../account-state.js';
import type { Account } from '../account.js';
import type { Platform } from '../platform.js';
import type { WechatAnswer, WechatHandler } from '../wechat-call.js';
import type { LoginSettings } from './login-settings.js';
import type { LoginGrant } from './login-state.js';
import type { UserGrant } from './user-tokens.js';

/** The parameter that holds the code. */
const CODE_PARAMETERS = { web: 'code', mini: 'js_code' } as const;

export const EXCHANGE_PATHS: Readonly<Record<string, (typeof CODE_PARAMETERS)[LoginGrant['kind']]>> = {
  '/sns/oauth2/access_token': CODE_PARAMETERS.web,
  '/sns/jscode2session': CODE_PARAMETERS.mini,
};

export const userAccessToken = exchange('web', (account, { openid, scope, snapshot }, platform, nowMs) => {
  const grant = platform.logins.userTokens.grant(
    { appId: account.appId, openid, scopes: cumulativeScopes(scope, platform.settings.login) },
    nowMs,
  );
  const unionid = scope === 'snsapi_base' ? undefined : account.users.find(openid)?.unionid;
  return {
    ...tokenBody(grant, platform),
    ...(unionid !== undefined && { unionid }),
    ...(snapshot && { is_snapshotuser: 1 }),
  };
});

export const codeToSession = exchange('mini', (account, { openid }, platform) => {
  const unionid = account.users.find(openid)?.unionid;
  return {
    openid,
    session_key: platform.logins.sessionKeys.current(account.appId, openid),
    ...(unionid !== undefined && { unionid }),
  };
});

/** As the exchange and the refresh answer with it. */
export function tokenBody(grant: UserGrant, { settings }: Platform): WechatAnswer['body'] {
  return {
    access_token: grant.accessToken,
    expires_in: Math.floor(settings.lifeMs / 1000),
    refresh_token: grant.refreshToken,
    openid: grant.openid,
    scope: grant.scopes.join(',') + (settings.login.scopeText === 'plain' ? '' : ','),
  };
}

/** The grant of a code, which is spent by the look at it. Throws a Refusal. */
export function spent<Grant>(
  codes: CodeBook<Grant>,
  code: string,
  account: Account,
  nowMs: number,
  errcodes: Readonly<Record<CodeFault, number>>,
): Grant {
  const found = codes.spend(code, account.appId, nowMs);
  if ('fault' in found) throw new Refusal(errcodes[found.fault]);
  return found.grant;
}

function exchange(
  kind: LoginGrant['kind'],
  answer: (account: Account, grant: LoginGrant, platform: Platform, nowMs: number) => WechatAnswer['body'],
): WechatHandler {
  return (call, platform, nowMs) => {
    const code = call.query.get(CODE_PARAMETERS[kind]) ?? '';
    const { credentialErrorsBurnCodes, expiredCodeErrcode } = platform.settings.login;
    const account = authenticated(call, platform, code, () => {
      if (credentialErrorsBurnCodes) platform.logins.codes.spend(code, '', nowMs);
    });
    const errcodes = { unknown: 40029, foreign: 40029, used: 40163, expired: expiredCodeErrcode };
    const grant = spent(platform.logins.codes, code, account, nowMs, errcodes);
    if (grant.kind !== kind) throw new Refusal(40029);
    if (account.users.find(grant.openid)?.blocked) throw new Refusal(40226);
    return { body: answer(account, grant, platform, nowMs) };
  };
}

/** The app whose secret the call carries. `onWrong` happens before it is refused for that and not for what it lacks. */
function authenticated(
  { query, callerIp }: HttpCall,
  platform: Platform,
  code: string,
  onWrong: () => void,
): Account {
  const appId = query.get('appid') ?? '';
  const secret = query.get('secret') ?? '';
  if (appId === '') throw new Refusal(41002);
  if (secret === '') throw new Refusal(41004);
  if (code === '') throw new Refusal(41008);
  if (query.get('grant_type') !== 'authorization_code') throw new Refusal(40002);
  const account = platform.account(appId);
  const errcode = credentialErrcode(account, secret, callerIp, platform);
  if (account && errcode === undefined) return account;
  onWrong();
  throw new Refusal(errcode ?? 40013);
}

function credentialErrcode(
  account: Account | undefined,
  secret: string,
  callerIp: string,
  { settings }: Platform,
): number | undefined {
  if (!account) return 40013;
  if (secret !== account.appSecret) return settings.wrongSecretErrcode;
  if (account.state === 'secret_frozen') return consequencesOf(account.state).atTokenEndpoints;
  return account.ipWhitelist && !account.ipWhitelist.includes(callerIp) ? 40164 : undefined;
}

function cumulativeScopes(scope: string, { scopeText }: LoginSettings): string[] {
  return scopeText === 'cumulative' && scope === 'snsapi_userinfo' ? ['snsapi_base', scope] : [scope];
}
