import type { ErrorCode } from '../error-code.js';
import type { AppIdentity } from '../app-definition.js';
import type { LoginRefusal } from './login-provider.js';

/** How long a state may be used. */
export const STATE_MS = 600_000;

/** What a store keeps for how long. */
export interface LoginTimes {
  /** An answer is given again. */
  readonly repeatMs: number;
  /** A code counts as spent, and a state or ticket whose life is over is told apart from one that never was. */
  readonly spentMs: number;
}

export const LOGIN_TIMES: LoginTimes = { repeatMs: 60_000, spentMs: 600_000 };

/** So many wrong proofs use a state up. */
export const MAX_MISMATCHES = 5;

/** Whose users log in. What is stored for another AppID under the same name does not open. */
export type LoginIdentity = Pick<AppIdentity, 'name' | 'provider' | 'appId'>;

/** How the code or the ticket comes back: to the service itself, to the broker's callback, or as a ticket of that one. */
export type LoginWay = 'direct' | 'hosted' | 'ticket';

/** What a state or a ticket stands for. */
export interface OpenLogin {
  readonly way: LoginWay;
  /** The only client that may use it. */
  readonly client: string;
  /** A hash of what its user has to show; see `proofOf`. */
  readonly proof: string;
  /** As the platform was told. */
  readonly redirectUri: string;
  /** Where a hosted login ends; null of others. */
  readonly landing: string | null;
  /** What a ticket is given for; null of a state. */
  readonly answer: LoginAnswer | null;
}

/** What a service is told of a user who logged in. */
export interface LoginAnswer {
  readonly openid: string;
  readonly unionid?: string | undefined;
  readonly scope: readonly string[];
  /** A virtual user of WeChat's preview page, who gets no session. */
  readonly snapshot: boolean;
  readonly session: string | null;
  /** Of the session; 0 without one. */
  readonly expiresInSeconds: number;
}

/** A user who is logged in. */
export interface UserSession {
  /** The only client that may use it. */
  readonly client: string;
  readonly openid: string;
  readonly scope: readonly string[];
  /** Null of a mini program, which has a session_key instead. */
  readonly tokens: SessionTokens | null;
  /** On the store's clock. */
  readonly expiresAtMs: number;
  /** The platform has ended the grant: nothing but a new login helps. */
  readonly isOver: boolean;
}

export interface SessionTokens {
  readonly accessToken: string;
  /** On the store's clock. */
  readonly expiresAtMs: number;
  readonly refreshToken: string | null;
}

/** What became of a code; of `answered`, for who may hear it again. */
export type CodeOutcome =
  | {
      readonly kind: 'answered';
      /** Null of a drop-in exchange. */
      readonly answer: LoginAnswer | null;
      /** The platform's own, of a drop-in exchange; null of others. */
      readonly body: string | null;
      /** Of a hosted login; null of others. */
      readonly ticket: string | null;
    }
  | {
      readonly kind: 'refused';
      readonly errcode: ErrorCode;
      readonly message: string;
      readonly meaning: LoginRefusal;
    }
  /** The request was sent and no answer came. */
  | { readonly kind: 'lost' };

/** A state or a ticket, and what its user has to show for it. */
export interface StateCheck {
  readonly state: string;
  readonly way: LoginWay;
  /** Null at the hosted callback, where nobody but the browser is. */
  readonly client: string | null;
  readonly proof: string | null;
}

/** The right to send a code to the platform. */
export interface CodeClaim {
  readonly code: string;
  /** Names this attempt among all. */
  readonly id: string;
  /** Who the caller is: the same caller may hear later what became of the code; at most 43 characters. */
  readonly caller: string;
  /** After so long without an outcome the claimant counts as dead, and the outcome as unknown. */
  readonly pendingMs: number;
}

export type BeginLogin =
  | { readonly check: StateCheck; readonly claim: CodeClaim | null }
  | { readonly check: null; readonly claim: CodeClaim };

/** `login` is what the state stands for. */
export type BegunLogin = { readonly nowMs: number; readonly login: OpenLogin | null } & (
  | { readonly kind: 'claimed' }
  /** The same caller's attempt is under way. */
  | { readonly kind: 'pending' }
  /** Of the same caller. */
  | { readonly kind: 'finished'; readonly outcome: CodeOutcome }
  /** Another caller used it, or this one so long ago that nothing more is told. */
  | { readonly kind: 'spent'; readonly byAnother: boolean }
  | { readonly kind: 'unknown' | 'expired' | 'mismatch' | 'used' }
);

/** What is stored at the end of an attempt, all of it or nothing. */
export interface FinishLogin {
  readonly claim: CodeClaim;
  /** Null: nothing was sent, and the code is not spent. */
  readonly outcome: CodeOutcome | null;
  readonly session?: { readonly handle: string; readonly session: UserSession; readonly lifeMs: number };
  /** Of a mini program's user; an older attempt never replaces the key of a newer one. */
  readonly sessionKey?: {
    readonly openid: string;
    readonly key: string;
    readonly beganAtMs: number;
    readonly lifeMs: number;
  };
}

/**
 * What logins share over all replicas. Each method is one atomic step, and throws `StoreUnavailableError` when the store
 * gave no answer. Everything has an end; nothing is stored in clear, and states, codes, tickets, handles and tokens are
 * known by their hash. What cannot be read, or cannot be right, is as if it were not there.
 */
export abstract class LoginStore {
  /** Keeps a state for `STATE_MS`, or a ticket for `lifeMs`. For `spentMs` more it is told apart from one that never was. */
  abstract open(app: LoginIdentity, state: string, login: OpenLogin, lifeMs: number): Promise<void>;

  /**
   * Uses the state up, if one is checked, and claims the code, if there is one. A state that was used with the same code,
   * client and proof is as good as unused. A wrong proof does not use it up, but the `MAX_MISMATCHES`th does. A code that
   * is known is not claimed again. Whoever got a `StoreUnavailableError` may ask again: the store does nothing afterwards.
   */
  abstract begin(app: LoginIdentity, request: BeginLogin): Promise<BegunLogin>;

  /** The end of what `begin` claimed. Does not change the outcome of another attempt; what else is there it stores. */
  abstract finish(app: LoginIdentity, result: FinishLogin): Promise<void>;

  abstract session(
    app: LoginIdentity,
    handle: string,
  ): Promise<{ readonly nowMs: number; readonly session: UserSession | null }>;

  /** The right to refresh the session's tokens, for so long at most. False: somebody has it. */
  abstract lockSession(app: LoginIdentity, handle: string, id: string, lifeMs: number): Promise<boolean>;

  /**
   * Ends that right, and replaces the session, unless it was ended meanwhile. Changes nothing, and answers false, if the
   * right is not ours any more.
   */
  abstract saveSession(
    app: LoginIdentity,
    handle: string,
    id: string,
    change: { readonly session: UserSession; readonly lifeMs: number } | null,
  ): Promise<boolean>;

  abstract endSession(app: LoginIdentity, handle: string): Promise<void>;

  /** The newest session_key of a mini program's user, or null. */
  abstract sessionKey(app: LoginIdentity, openid: string): Promise<string | null>;

  /** Notes that a user's token was handed out for this app. */
  abstract noteToken(app: LoginIdentity, token: string, lifeMs: number): Promise<void>;

  /** Which of these apps the token was handed out for, or null. */
  abstract appOfToken(apps: readonly LoginIdentity[], token: string): Promise<LoginIdentity | null>;
}
