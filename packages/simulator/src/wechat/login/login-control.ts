import type { CodeReport } from '../../login/code-book.js';
import { USER_FIELDS, type SimulatedUser, type UserSpec } from '../../login/user-book.js';
import {
  checkFields,
  ControlInputError,
  isBoolean,
  isObject,
  isOneOf,
  isText,
  type FieldCheck,
} from '../../input-checks.js';
import type { Account } from '../account.js';
import type { Platform } from '../platform.js';
import { createCode, type MintedCode } from './consent.js';
import { encryptData, type EncryptedData } from './session-keys.js';

/** Whom something is about. Without `appId`: a user of the first app. */
export interface AppUserSpec extends UserSpec {
  readonly appId?: string | undefined;
}

export interface CodeSpec extends AppUserSpec {
  /** snsapi_base; for a website snsapi_login. A mini program has none. */
  readonly scope?: 'snsapi_base' | 'snsapi_userinfo' | 'snsapi_login' | undefined;
  /** A virtual user, as of somebody who only sees a snapshot of the page. */
  readonly snapshot?: boolean | undefined;
}

export interface PhoneSpec extends AppUserSpec {
  readonly phoneNumber?: string | undefined;
  readonly countryCode?: string | undefined;
}

const SPEC_FIELDS = { appId: isText, ...USER_FIELDS };
const CODE_FIELDS = {
  ...SPEC_FIELDS,
  scope: isOneOf('snsapi_base', 'snsapi_userinfo', 'snsapi_login'),
  snapshot: isBoolean,
};
const PHONE_FIELDS = { ...SPEC_FIELDS, phoneNumber: isText, countryCode: isText };
const ENCRYPT_FIELDS = {
  ...SPEC_FIELDS,
  data: (value: unknown) => (isObject(value) ? undefined : 'must be a JSON object'),
};
const DATA = { nickName: '小明😀', gender: 0, language: 'zh_CN', city: '', province: '', country: '' };

/** What a test does in the place of a user, without a page. Bad arguments throw a ControlInputError that names the field. */
export class LoginControl {
  constructor(
    private readonly platform: () => Platform,
    private readonly now: () => number,
  ) {}

  /** The same by HTTP. */
  readonly calls: Readonly<Record<string, (body: unknown, query: URLSearchParams) => object>> = {
    'GET /__sim/codes': (_, query) => ({ codes: this.codes(query.get('app_id') ?? undefined) }),
    'POST /__sim/codes': (body) => this.createCode(checked<CodeSpec>(body, CODE_FIELDS)),
    'POST /__sim/phone-codes': (body) => this.createPhoneCode(checked<PhoneSpec>(body, PHONE_FIELDS)),
    'POST /__sim/users': (body) => this.putUser(checked<AppUserSpec>(body, SPEC_FIELDS)),
    'POST /__sim/encrypted-data': (body) =>
      this.encrypt(checked<AppUserSpec & { readonly data?: object }>(body, ENCRYPT_FIELDS)),
    'POST /__sim/session-keys': (body) => ({
      session_key: this.renewSessionKey(checked<AppUserSpec>(body, SPEC_FIELDS)),
    }),
    'POST /__sim/revocations': (body) => ({
      revoked: this.revokeUserTokens(checked<AppUserSpec>(body, SPEC_FIELDS)),
    }),
  };

  /** Puts down or changes a user, who need not have logged in. */
  putUser({ appId, ...user }: AppUserSpec = {}): SimulatedUser {
    return this.#account(appId).users.put(user);
  }

  /** A code as the authorize page, or `wx.login` for a mini program, hands it out. */
  createCode({ appId, scope, snapshot = false, ...spec }: CodeSpec = {}): MintedCode {
    return createCode(this.platform(), this.#account(appId), { scope, snapshot, user: spec }, this.now());
  }

  /** A code as the phone number button of a mini program hands it out; no login code. */
  createPhoneCode({
    appId,
    phoneNumber = '13800138000',
    countryCode = '86',
    ...spec
  }: PhoneSpec = {}): MintedCode {
    const { settings, logins } = this.platform();
    const account = this.#account(appId);
    const { openid, unionid } = account.users.put(spec);
    const nowMs = this.now();
    const code = logins.phoneCodes.mint(account.appId, { openid, phoneNumber, countryCode }, nowMs);
    return { code, openid, unionid, expires_at: nowMs + settings.login.codeLifeMs };
  }

  /** Login codes that were made, or arrived in a request. */
  codes(appId?: string): CodeReport[] {
    return this.platform().logins.codes.list(appId);
  }

  phoneCodes(appId?: string): CodeReport[] {
    return this.platform().logins.phoneCodes.list(appId);
  }

  /** Data under the user's session_key, with a watermark unless it has one. */
  encrypt({
    appId,
    data = DATA,
    ...spec
  }: AppUserSpec & { readonly data?: object | undefined } = {}): EncryptedData {
    const account = this.#account(appId);
    const { openid } = account.users.put(spec);
    const watermark = { timestamp: Math.floor(this.now() / 1000), appid: account.appId };
    return encryptData(
      { watermark, ...data },
      this.platform().logins.sessionKeys.current(account.appId, openid),
    );
  }

  /** The user's session_key changes, as by a login elsewhere. Returns the new one. */
  renewSessionKey({ appId, ...spec }: AppUserSpec = {}): string {
    const account = this.#account(appId);
    return this.platform().logins.sessionKeys.renew(account.appId, account.users.put(spec).openid);
  }

  /** The user changes the password: 42007 for all of their tokens. Returns how many grants end. */
  revokeUserTokens({ appId, ...spec }: AppUserSpec = {}): number {
    const account = this.#account(appId);
    return this.platform().logins.userTokens.revoke(account.appId, account.users.put(spec).openid);
  }

  #account(appId = this.platform().settings.apps[0]?.appId): Account {
    const account = this.platform().account(appId ?? '');
    if (!account) throw new ControlInputError(`appId: no app ${String(appId)}`);
    return account;
  }
}

function checked<Spec extends object>(
  body: unknown,
  fields: Readonly<Record<keyof Spec & string, FieldCheck>>,
): Spec {
  checkFields(body, fields);
  return body as Spec;
}
