import { isObject, type JsonObject } from '../../../core/json-object.js';
import type { LoginOutcome } from '../../../core/ports/login-provider.js';
import type { Deadline } from '../../../core/ports/token-issuer.js';
import type { PlatformApi } from '../../http/platform-api.js';
import { callLogin, Unreadable } from './login-call.js';

/** Of `batchget`. */
export const MAX_USERS_PER_CALL = 100;

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
