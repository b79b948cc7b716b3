import { consequencesOf } from './account-state.js';
import type { Account, Family } from './account.js';
import type { Platform } from './platform.js';
import { Refusal } from '../refusal.js';
import type { Settings, TokenCheck } from './settings.js';
import { postedObject, text, type WechatAnswer, type WechatHandler } from './wechat-call.js';

interface TokenRequest {
  readonly family: Family;
  readonly grantType: string;
  readonly appId: string;
  readonly secret: string;
  readonly force: boolean;
  readonly callerIp: string;
}

type Check = (request: TokenRequest, account: Account | undefined, settings: Settings) => void;

const CHECKS: Readonly<Record<TokenCheck, Check>> = {
  grant_type: ({ grantType }) => {
    if (grantType !== 'client_credential') throw new Refusal(40002);
  },
  appid: ({ appId }, account) => {
    if (appId === '') throw new Refusal(41002);
    if (!account) throw new Refusal(40013);
  },
  secret: ({ secret }, account, settings) => {
    if (secret === '') throw new Refusal(41004);
    if (account && secret !== account.appSecret) throw new Refusal(settings.wrongSecretErrcode);
  },
  state: (_, account) => {
    const errcode = account && consequencesOf(account.state).atTokenEndpoints;
    if (errcode) throw new Refusal(errcode);
  },
  ip: ({ callerIp }, account) => {
    if (account?.ipWhitelist && !account.ipWhitelist.includes(callerIp)) throw new Refusal(40164);
    const errcode = account && consequencesOf(account.state).atIpCheck;
    if (errcode) throw new Refusal(errcode);
  },
};

export const classicToken: WechatHandler = ({ query, callerIp }, platform, nowMs) => {
  const request: TokenRequest = {
    family: 'classic',
    grantType: query.get('grant_type') ?? '',
    appId: query.get('appid') ?? '',
    secret: query.get('secret') ?? '',
    force: false,
    callerIp,
  };
  return grant(request, platform, nowMs);
};

export const stableToken: WechatHandler = (call, platform, nowMs) => {
  const posted = postedObject(call);
  const request: TokenRequest = {
    family: 'stable',
    grantType: text(posted.grant_type),
    appId: text(posted.appid),
    secret: text(posted.secret),
    force: posted.force_refresh === true,
    callerIp: call.callerIp,
  };
  return grant(request, platform, nowMs);
};

function grant(request: TokenRequest, platform: Platform, nowMs: number): WechatAnswer {
  const account = platform.account(request.appId);
  for (const check of platform.settings.checkOrder) CHECKS[check](request, account, platform.settings);
  if (!account) throw new Refusal(40013);
  if (account.type === 'website') throw new Refusal(48001); // not verified; it has no token of its own
  const token = account.issue(request.family, 'caller', nowMs, request.force);
  const remainingSeconds = Math.floor((token.expiresAtMs - nowMs) / 1000);
  return { body: { access_token: token.value, expires_in: remainingSeconds }, token };
}
