import type { ErrorCode } from '../error-code.js';
import type { AppName } from '../token.js';

/** What a platform needs to know an app by. `appSecret` must reach no log, error, URL that is logged, or metric. */
export interface AppCredentials {
  readonly app: AppName;
  readonly appId: string;
  readonly appSecret: string;
}

/** When a call must be over. The issuer gives up as soon as `signal` aborts. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** Length of the whole call, in milliseconds from when it was made. */
  readonly timeoutMs: number;
}

/**
 * How soon a refused fetch may be tried again.
 *
 * `busy`: back-off; `minute_quota`: a minute; `day_quota`: until the platform's next day;
 * `configuration`: a person must act, so 5 minutes and then 30.
 */
export type RefusalClass = 'busy' | 'minute_quota' | 'day_quota' | 'configuration';

/** What a platform's error code means to those who run the broker and those who call it. */
export interface ErrcodeAdvice {
  readonly class: RefusalClass;
  /** One sentence: what a person does about it. */
  readonly remedy: string;
  /** The code says that the AppSecret is not, or no longer, the right one. */
  readonly secretRejected: boolean;
  /** The code is about the address that the call came from: another replica may be welcome. */
  readonly addressRejected: boolean;
  /** On a business call: whether a newer token can cure it. `perhaps`: nobody knows the code, so the token has to be tried. */
  readonly curedByNewToken: 'yes' | 'no' | 'perhaps';
}

/** What became of one request to the platform. Only `refused` and `not_sent` prove that nothing was minted. */
export type IssueOutcome =
  | {
      readonly kind: 'issued';
      readonly value: string;
      /** 0 of a token that is returned in its last second. */
      readonly expiresInSeconds: number;
      /** How callers present it, where that is not Bearer or the platform's one way. */
      readonly tokenType?: string | undefined;
      /** What was odd about the answer, for people; holds no secret. */
      readonly remark?: string;
    }
  | {
      readonly kind: 'refused';
      readonly errcode: ErrorCode;
      readonly message: string;
      /** The platform's own word on when to ask again, such as Retry-After. Never shortens what the code's class waits. */
      readonly retryAfterMs?: number | undefined;
    }
  | { readonly kind: 'not_sent'; readonly cause: Unanswered }
  | { readonly kind: 'unknown'; readonly cause: Unanswered };

/**
 * Why there was no usable answer. `fault` is the platform's stable name for it, and names the remedy;
 * `retryAfterMs` as in a refusal.
 */
export type Unanswered = Error & { readonly fault?: string; readonly retryAfterMs?: number | undefined };

/** What the platform says of a token that a caller reported. `no_answer`: could not be found out. */
export type ProbeOutcome = 'accepted' | 'rejected' | 'no_answer';

/** The same with what the platform said, or what happened on the way to it, as far as there is something to say. */
export interface ProbeAnswer {
  readonly outcome: ProbeOutcome;
  readonly errcode?: ErrorCode;
  /** Holds no secret. */
  readonly message?: string;
  /** As in `Unanswered`. */
  readonly fault?: string | undefined;
}

const UNREACHABLE_REMEDY =
  'Check that this host reaches the platform: DNS, egress firewall, and apiBaseUrl. The broker keeps trying.';

/** The `fault` of a fetch that brought the token which has ended: the platform gives the next one a moment later. */
export const TOKEN_ENDED = 'token_ended';
const TOKEN_ENDED_REMEDY =
  'Nothing: the platform gives the next token a moment after the end of this one, and the broker keeps asking. If this lasts for more than a minute, compare the clock of this host with the time.';

/** How a platform gives tokens. Renewal ahead of time, the pace of asking again and what survives a lost answer follow from it. */
export interface IssuanceRule {
  /** A fetch returns the same token until this much of its life is left; `never`: every fetch mints a token. */
  readonly repeats: 'never' | { readonly sameUntilMs: number };
  /** What a new token does to the one before: nothing, or it ends it after `graceMs`. */
  readonly previous: 'stays_valid' | { readonly graceMs: number };
  /** A fetch that returns the same token also extends its life. */
  readonly renewsOnFetch: boolean;
  /** The platform can be made to replace a token that it would return again; see `forceNew`. */
  readonly canForce: boolean;
}

/** Asks a platform for a token. Never retries, never throws for what a platform or a network may do. */
export abstract class TokenIssuer {
  abstract readonly rule: IssuanceRule;

  /**
   * Asks once. `forceNew` asks a platform that hands out the same token again to replace it (and kill the old one);
   * platforms that mint at every call ignore it.
   */
  abstract issue(
    credentials: AppCredentials,
    deadline: Deadline,
    options: { readonly forceNew: boolean },
  ): Promise<IssueOutcome>;

  /** Tries the token with a harmless call. No such method: the platform has no such call, which is as `no_answer`. */
  probe?(token: string, deadline: Deadline): Promise<ProbeAnswer>;

  abstract explain(errcode: ErrorCode): ErrcodeAdvice;

  /**
   * What a person does about a request that got no usable answer; `message` and `fault` are those of the outcome's
   * cause. Null, or no such method: the way to the platform is to be checked.
   */
  explainSilence?(message: string, fault: string | null): string | null;
}

/** What a person does about a request that brought no token. `errcode`: null when there was no usable answer. */
export function remedyOf(
  issuer: TokenIssuer,
  {
    errcode,
    message,
    fault,
  }: { readonly errcode: ErrorCode | null; readonly message: string; readonly fault?: string | undefined },
): string {
  if (errcode !== null) return issuer.explain(errcode).remedy;
  if (fault === TOKEN_ENDED) return TOKEN_ENDED_REMEDY;
  return issuer.explainSilence?.(message, fault ?? null) ?? UNREACHABLE_REMEDY;
}

/** One app's access token, for what can only be had with one. */
export interface AccessTokenSource {
  /** Throws `BrokerError` when there is none. */
  current(): Promise<string>;
  /** The platform refused this one with that errcode. Resolves to the one to use now, which may be the same. Throws `BrokerError`. */
  replace(accessToken: string, errcode: ErrorCode): Promise<string>;
}
