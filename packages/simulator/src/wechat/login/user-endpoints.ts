import { Refusal } from '../../refusal.js';
import type { SimulatedUser } from '../../login/user-book.js';
import type { Account } from '../account.js';
import { business } from '../business-endpoints.js';
import { postedObject, text, type WechatAnswer, type WechatHandler } from '../wechat-call.js';
import { isObject } from '../../input-checks.js';
import { tokenBody } from './exchange-endpoints.js';

const OK = { errcode: 0, errmsg: 'ok' };
const MAX_BATCH = 100;

/** Scopes that let an app see more of a user than the openid. */
const PROFILE_SCOPES: readonly string[] = ['snsapi_userinfo', 'snsapi_login'];

export const refreshUserToken: WechatHandler = ({ query }, platform, nowMs) => {
  const appId = query.get('appid') ?? '';
  const refreshToken = query.get('refresh_token') ?? '';
  if (appId === '') throw new Refusal(41002);
  if (refreshToken === '') throw new Refusal(41003);
  if (query.get('grant_type') !== 'refresh_token') throw new Refusal(40002);
  if (!platform.account(appId)) throw new Refusal(40013);
  return { body: tokenBody(platform.logins.userTokens.refresh(refreshToken, appId, nowMs), platform) };
};

export const checkUserToken: WechatHandler = ({ query }, platform, nowMs) => {
  platform.logins.userTokens.check(query.get('access_token') ?? '', query.get('openid') ?? '', nowMs);
  return { body: OK };
};

/** Sex and region are empty for everybody since October 2021. */
export const userProfile: WechatHandler = ({ query }, platform, nowMs) => {
  const openid = query.get('openid') ?? '';
  const grant = platform.logins.userTokens.check(query.get('access_token') ?? '', openid, nowMs);
  if (!grant.scopes.some((scope) => PROFILE_SCOPES.includes(scope))) throw new Refusal(48001);
  const { nickname, headimgurl, unionid } = known(platform.account(grant.appId), openid);
  return {
    body: {
      openid,
      nickname,
      sex: 0,
      language: '',
      city: '',
      province: '',
      country: '',
      headimgurl,
      privilege: [],
      ...(unionid !== undefined && { unionid }),
    },
  };
};

/** A user by the app's own token. */
export const userInfo = business((account, { query }) =>
  subscriber(known(account, query.get('openid') ?? ''), query.get('lang')),
);

/** One openid of another app spoils the whole call. */
export const userInfoBatch = business((account, call) => {
  const { user_list: list } = postedObject(call);
  if (!Array.isArray(list) || list.length === 0) throw new Refusal(40031);
  if (list.length > MAX_BATCH) throw new Refusal(40032);
  const asked = list.map((one: unknown) => (isObject(one) ? one : {}));
  return {
    user_info_list: asked.map(({ openid, lang }) => subscriber(known(account, text(openid)), text(lang))),
  };
});

function known(account: Account | undefined, openid: string): SimulatedUser {
  const user = account?.users.find(openid);
  if (!user) throw new Refusal(40003);
  return user;
}

/** Of somebody who does not follow the account it tells nothing else. Names and pictures are gone since December 2021. */
function subscriber(
  { openid, unionid, subscribed }: SimulatedUser,
  lang: string | null,
): WechatAnswer['body'] {
  const ids = { openid, ...(unionid !== undefined && { unionid }) };
  if (!subscribed) return { subscribe: 0, ...ids };
  return {
    subscribe: 1,
    ...ids,
    nickname: '',
    headimgurl: '',
    sex: 0,
    language: lang === null || lang === '' ? 'zh_CN' : lang,
    city: '',
    province: '',
    country: '',
    subscribe_time: 1700000000,
    remark: '',
    groupid: 0,
    tagid_list: [],
    subscribe_scene: 'ADD_SCENE_SEARCH',
    qr_scene: 0,
    qr_scene_str: '',
  };
}
