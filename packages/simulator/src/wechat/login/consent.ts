import type { UserSpec } from '../../login/user-book.js';
import type { Account } from '../account.js';
import type { Platform } from '../platform.js';

/** Who consents, and to what. */
export interface Consent {
  readonly user: UserSpec;
  /** Left out: as the type of the app has it. */
  readonly scope?: string | undefined;
  readonly snapshot: boolean;
}

/** A fresh code and whose it is. `expires_at` is epoch ms. */
export interface MintedCode {
  readonly code: string;
  readonly openid: string;
  readonly unionid?: string | undefined;
  readonly expires_at: number;
}

const DEFAULT_SCOPE = { official_account: 'snsapi_base', website: 'snsapi_login', mini_program: '' };

/** The code of a consent; for a mini program the js_code of a `wx.login`, which renews the user's session_key. */
export function createCode(
  { logins, settings }: Platform,
  account: Account,
  { user: spec, scope = DEFAULT_SCOPE[account.type], snapshot }: Consent,
  nowMs: number,
): MintedCode {
  const { openid, unionid } = account.users.put(snapshot ? virtual(spec) : spec);
  const kind = account.type === 'mini_program' ? 'mini' : 'web';
  if (kind === 'mini' && settings.login.sessionKeys === 'each_login') {
    logins.sessionKeys.renew(account.appId, openid);
  }
  const code = logins.codes.mint(account.appId, { kind, openid, scope, snapshot }, nowMs);
  return { code, openid, unionid, expires_at: nowMs + settings.login.codeLifeMs };
}

function virtual({ user, ...spec }: UserSpec): UserSpec {
  return { nickname: '微信用户', ...spec, user: `${user ?? ''} in a snapshot` };
}
