import type { ErrorCode } from '../error-code.js';
import type { JsonObject } from '../json-object.js';
import type { AppCredentials, Deadline, Unanswered } from './token-issuer.js';

/** The kind of route of the broker that a code came by. */
export type LoginSurface = 'drop_in' | 'native' | 'hosted';

/** What kind of app users log in to: a word of the platform, such as `mini_program`. */
export type AppType = string;

/**
 * What a platform's refusal of a login call means.
 *
 * `outcome_unknown`: the platform failed on its side and may have used the code up; `token_dead`: the token that the call was
 * made with, the user's or the app's, is not taken any more; `session_stale`: the session_key was replaced; `data_invalid`:
 * an openid or another value of the request is wrong. The others say what they mean.
 */
export const LOGIN_REFUSALS = [
  'code_used',
  'code_invalid',
  'code_expired',
  'outcome_unknown',
  'reauthorize_required',
  'scope_missing',
  'user_blocked',
  'rate_limited',
  'app_misconfigured',
  'token_dead',
  'session_stale',
  'data_invalid',
  'other',
] as const;

export type LoginRefusal = (typeof LOGIN_REFUSALS)[number];

/**
 * What became of one call. Only `refused` and `not_sent` prove that the platform gave nothing; a 5xx, a timeout or a reset
 * after sending is `unknown`, and so is an answer that cannot be read.
 */
export type LoginOutcome<T> =
  | {
      readonly kind: 'answered';
      readonly value: T;
      /** The platform's answer as it came, decoded from UTF-8; it holds tokens or keys. */
      readonly body: string;
    }
  | {
      readonly kind: 'refused';
      readonly errcode: ErrorCode;
      /** As the platform sent it if it is a known text, else empty. */
      readonly message: string;
      readonly meaning: LoginRefusal;
      /** One sentence for those who run the broker. */
      readonly remedy: string;
      /** The code says that the AppSecret of the call is not, or no longer, the right one. */
      readonly secretRejected: boolean;
      /** How long a `rate_limited` caller should wait, in milliseconds. */
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly kind: 'not_sent'; readonly cause: Unanswered }
  | { readonly kind: 'unknown'; readonly cause: Unanswered };

/** A user's own tokens; neither may reach a log, error or metric. */
export interface UserTokens {
  readonly accessToken: string;
  readonly expiresInSeconds: number;
  /** Left out where the platform gives none. Some platforms take each only once. */
  readonly refreshToken?: string | undefined;
  /** Left out where a refresh does not prolong it. */
  readonly refreshExpiresInSeconds?: number;
}

/** What a code brought. */
export interface UserGrant {
  /** Never empty. */
  readonly openid: string;
  readonly unionid?: string | undefined;
  readonly scope: readonly string[];
  /** A virtual user of a preview page: no account may be made for it or linked to it. */
  readonly isSnapshot: boolean;
  /** Absent for a mini program. */
  readonly tokens?: UserTokens;
  /** A mini program's: base64 of 16 bytes. */
  readonly sessionKey?: string;
}

export interface AuthorizeRequest {
  readonly appId: string;
  readonly redirectUri: string;
  readonly state: string;
  /** One of `scopes`, or several with commas between them. */
  readonly scope: string;
  readonly forcePopup: boolean;
}

export interface CodeRequest {
  readonly code: string;
  /** As it was at the authorize page, which some platforms want to see again; null where there was none. */
  readonly redirectUri: string | null;
}

/** A user's access token, and the user whom the platform gave it for. */
export interface UserTokenRequest {
  readonly accessToken: string;
  readonly openid: string;
}

/**
 * How the users of one app log in at its platform. Never throws for what a platform or a network may do, and never retries: a
 * code is spent by the first call. A method that is not there is one that the platform or the type of the app does not have.
 */
export abstract class LoginProvider {
  abstract readonly appType: AppType;
  /** What is asked for where the caller names none; empty where there is nothing to ask for. */
  abstract readonly defaultScope: string;
  abstract readonly scopes: readonly string[];

  /** Where the browser is sent. */
  authorizeUrl?(request: AuthorizeRequest): string;

  /** Spends the code: one from the authorize page, or from `wx.login` in a mini program. */
  abstract exchange(
    credentials: AppCredentials,
    request: CodeRequest,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserGrant>>;

  refresh?(
    credentials: AppCredentials,
    refreshToken: string,
    deadline: Deadline,
  ): Promise<LoginOutcome<UserTokens>>;

  /** All that the platform says of the user, under its own names. */
  profile?(
    appId: string,
    request: UserTokenRequest & { readonly lang?: string | undefined },
    deadline: Deadline,
  ): Promise<LoginOutcome<JsonObject>>;

  /** Whether the platform still takes a user's token. */
  checkToken?(request: UserTokenRequest, deadline: Deadline): Promise<LoginOutcome<JsonObject>>;

  /** Whether the session_key is still the newest of this user. */
  checkSession?(
    globalToken: string,
    session: { readonly openid: string; readonly sessionKey: string },
    deadline: Deadline,
  ): Promise<LoginOutcome<boolean>>;

  /** What a mini program got encrypted; null if the key does not open it, or it is another app's. */
  decrypt?(request: {
    readonly appId: string;
    readonly sessionKey: string;
    /** base64, as the mini program has it; so is `iv`. */
    readonly encryptedData: string;
    readonly iv: string;
  }): JsonObject | null;

  /** How many users one call of `users` may ask for; 0 where there is none. */
  readonly maxUsersPerCall: number = 0;

  /** What the platform knows of these users, in their order. One that is not the app's makes it `data_invalid` as a whole. */
  users?(
    globalToken: string,
    request: { readonly openids: readonly string[]; readonly lang?: string | undefined },
    deadline: Deadline,
  ): Promise<LoginOutcome<readonly JsonObject[]>>;

  /** Spends a code of the phone number component, which is no login code. */
  phone?(
    globalToken: string,
    request: { readonly code: string; readonly openid?: string | undefined },
    deadline: Deadline,
  ): Promise<LoginOutcome<JsonObject>>;
}
