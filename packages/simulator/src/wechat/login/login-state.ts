import { randomBytes } from 'node:crypto';
import { CodeBook } from '../../login/code-book.js';
import type { LoginSettings } from './login-settings.js';
import { SessionKeys } from './session-keys.js';
import { UserTokens } from './user-tokens.js';

/** What a user consented to, which their code stands for. */
export interface LoginGrant {
  /** `web`: a code of the authorize pages. `mini`: a js_code. */
  readonly kind: 'web' | 'mini';
  readonly openid: string;
  readonly scope: string;
  /** The user only saw a snapshot of the page, and is a virtual one. */
  readonly snapshot: boolean;
}

/** A phone number that a user agreed to show. */
export interface PhoneGrant {
  readonly openid: string;
  readonly phoneNumber: string;
  readonly countryCode: string;
}

/** In hex: 32 characters, and 64 of the codes for phone numbers. */
const CODE_BYTES = 16;
const PHONE_CODE_BYTES = 32;

/** What the platform remembers of logins, of all apps. */
export class LoginState {
  readonly codes: CodeBook<LoginGrant>;
  readonly phoneCodes: CodeBook<PhoneGrant>;
  readonly userTokens: UserTokens;
  readonly sessionKeys = new SessionKeys();

  constructor(settings: LoginSettings, lifeMs: number) {
    const { codeLifeMs } = settings;
    this.codes = new CodeBook(() => randomBytes(CODE_BYTES).toString('hex'), codeLifeMs);
    this.phoneCodes = new CodeBook(() => randomBytes(PHONE_CODE_BYTES).toString('hex'), codeLifeMs);
    this.userTokens = new UserTokens({ lifeMs, ...settings });
  }
}
