import { ControlInputError, isBoolean, isOneOf, numberOption } from '../../input-checks.js';

/** `official_account` logs in on web pages, `website` by a QR code, `mini_program` by a js_code. */
export const APP_TYPES = ['official_account', 'mini_program', 'website'] as const;

export type AppType = (typeof APP_TYPES)[number];

/** How users log in. Times in seconds take fractions. */
export interface LoginOptions {
  /** Openids that every app knows besides those of its own pattern; none. */
  readonly users?: readonly string[] | undefined;
  /** Life of a login code, 300 while tokens live 7200; scaled with expiresInSeconds. */
  readonly codeLifeSeconds?: number | undefined;
  /** Life of a user's refresh_token, 30 days; scaled in the same way. Refreshing does not renew it. */
  readonly refreshTokenLifeSeconds?: number | undefined;
  /** 40029 as reported; 42003 stands in the list of errcodes. */
  readonly expiredCodeErrcode?: 40029 | 42003 | undefined;
  /** Whether a code is spent by an exchange with a wrong secret, appid or address as well, which nobody outside knows: yes. */
  readonly credentialErrorsBurnCodes?: boolean | undefined;
  /** What a refusal leads to: back to the app with the state alone, or the page is closed and the app hears nothing. */
  readonly refusal?: 'redirect' | 'close' | undefined;
  /** Whether the page insists on the documented order of its parameters: yes. */
  readonly parameterOrder?: 'strict' | 'any' | undefined;
  /** How the scope of a user's token is written: `snsapi_userinfo`, `snsapi_userinfo,` or `snsapi_base,snsapi_userinfo,`. */
  readonly scopeText?: 'plain' | 'trailing_comma' | 'cumulative' | undefined;
  /** Whether refreshing changes the refresh_token, and the old one dies: no. */
  readonly refreshTokens?: 'kept' | 'rotated' | undefined;
  /** Whether a new login of a mini program changes the session_key: yes. */
  readonly sessionKeys?: 'each_login' | 'kept' | undefined;
}

export interface LoginSettings {
  readonly users: readonly string[];
  readonly codeLifeMs: number;
  readonly refreshTokenLifeMs: number;
  readonly expiredCodeErrcode: number;
  readonly credentialErrorsBurnCodes: boolean;
  readonly refusal: 'redirect' | 'close';
  readonly parameterOrder: 'strict' | 'any';
  readonly scopeText: 'plain' | 'trailing_comma' | 'cumulative';
  readonly refreshTokens: 'kept' | 'rotated';
  readonly sessionKeys: 'each_login' | 'kept';
}

const CHOICES = {
  expiredCodeErrcode: isOneOf(40029, 42003),
  credentialErrorsBurnCodes: isBoolean,
  refusal: isOneOf('redirect', 'close'),
  parameterOrder: isOneOf('strict', 'any'),
  scopeText: isOneOf('plain', 'trailing_comma', 'cumulative'),
  refreshTokens: isOneOf('kept', 'rotated'),
  sessionKeys: isOneOf('each_login', 'kept'),
} as const;

const CODE_SECONDS = 300;
const REFRESH_TOKEN_SECONDS = 30 * 86_400;

/** Throws a ControlInputError that names the first option at fault. `timeScale`: 1 where tokens live 7200 s. */
export function loginSettingsFrom(options: LoginOptions, timeScale: number): LoginSettings {
  for (const [name, check] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    const complaint = value === undefined ? undefined : check(value);
    if (complaint) throw new ControlInputError(`${name}: ${complaint}`);
  }
  return {
    users: options.users ?? [],
    codeLifeMs: numberOption(options, 'codeLifeSeconds', CODE_SECONDS * timeScale) * 1000,
    refreshTokenLifeMs:
      numberOption(options, 'refreshTokenLifeSeconds', REFRESH_TOKEN_SECONDS * timeScale) * 1000,
    expiredCodeErrcode: options.expiredCodeErrcode ?? 40029,
    credentialErrorsBurnCodes: options.credentialErrorsBurnCodes ?? true,
    refusal: options.refusal ?? 'redirect',
    parameterOrder: options.parameterOrder ?? 'strict',
    scopeText: options.scopeText ?? 'plain',
    refreshTokens: options.refreshTokens ?? 'kept',
    sessionKeys: options.sessionKeys ?? 'each_login',
  };
}
