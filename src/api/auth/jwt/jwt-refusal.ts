/**
 * Why a JWT opens nothing. What follows from the token alone, and from keys that anybody may read, its bearer may know;
 * who is taken here, and for whom, only a bearer whose token is genuine.
 */
export type JwtRefusalReason =
  | 'too_long'
  | 'malformed'
  | 'algorithm'
  | 'issuer'
  | 'expired'
  | 'not_yet_valid'
  | 'unknown_key'
  | 'keys_unavailable'
  | 'signature'
  | 'audience'
  | 'subject';

/** For the log: who reads it has to find out what to put right. Never the token, nor a part of it that opens anything. */
export interface JwtRefusal {
  readonly reason: JwtRefusalReason;
  /** What the token says; strangers' text until the signature was verified. */
  readonly seen: {
    readonly alg?: unknown;
    readonly kid?: unknown;
    readonly iss?: unknown;
    readonly aud?: unknown;
    readonly sub?: unknown;
    readonly exp?: unknown;
    readonly nbf?: unknown;
  };
  /** What it should have said; left out where that is not known. */
  readonly expected?: string | undefined;
  /** Until the keys are asked for again. */
  readonly retryAfterSeconds?: number | undefined;
}

/** A genuine JWT, and whose it is. */
export interface VerifiedJwt {
  readonly issuer: string;
  readonly sub: string;
  /** `exp` and the leeway, on the wall clock. */
  readonly untilMs: number;
}

export type JwtVerdict = VerifiedJwt | JwtRefusal;
