import { errors, jwtVerify, type JWTVerifyGetKey, type JWTVerifyOptions } from 'jose';
import { parseJsonObject, type JsonObject } from '../../../core/json-object.js';
import type { Clock } from '../../../core/ports/clock.js';
import type { JwtRefusal, JwtRefusalReason, JwtVerdict } from './jwt-refusal.js';
import type { Jwks } from './jwks-source.js';

/** Asymmetric only: with a shared secret, or none, everybody who verifies a token could also make one. */
const ALGORITHMS = ['RS256', 'ES256', 'EdDSA'];
/** Kubernetes' have some 1,200 characters. */
const MAX_JWT_CHARACTERS = 8192;
const LEEWAY_SECONDS = 30;
/** Three parts in base64url; the first one begins with `{"`. */
const FORM = /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/;

export interface JwtIssuer {
  readonly issuer: string;
  readonly audience: string;
  readonly jwks: Jwks;
}

/** Whether a Bearer token is meant to be a JWT. */
export function looksLikeJwt(token: string): boolean {
  return token.startsWith('eyJ') && token.includes('.');
}

/** Verifies JWTs. What costs little is looked at first, so that a stranger's token costs little. */
export class JwtVerifier {
  private readonly issuers: ReadonlyMap<string, JwtIssuer>;

  constructor(
    issuers: readonly JwtIssuer[],
    private readonly clock: Clock,
  ) {
    this.issuers = new Map(issuers.map((one) => [one.issuer, one]));
  }

  async verify(token: string): Promise<JwtVerdict> {
    if (token.length > MAX_JWT_CHARACTERS) return refusal('too_long', {});
    const parts = FORM.test(token) ? token.split('.') : [];
    const header = decodePart(parts[0]);
    const claims = decodePart(parts[1]);
    if (!header || !claims) return refusal('malformed', {});
    const seen = shownParts(header, claims);
    if (!ALGORITHMS.includes(String(header.alg)) || 'crit' in header) {
      return refusal('algorithm', seen, ALGORITHMS.join(', '));
    }
    const known = typeof claims.iss === 'string' ? this.issuers.get(claims.iss) : undefined;
    if (known === undefined) return refusal('issuer', seen, [...this.issuers.keys()].join(', '));
    const { exp, nbf } = claims;
    if (typeof exp !== 'number') return refusal('malformed', seen, 'a claim exp');
    const nowSeconds = Math.floor(this.clock.wallMs() / 1000);
    if (exp <= nowSeconds - LEEWAY_SECONDS) return refusal('expired', seen);
    if (typeof nbf === 'number' && nbf > nowSeconds + LEEWAY_SECONDS) return refusal('not_yet_valid', seen);
    return this.verifyWith(known, token, seen);
  }

  private async verifyWith(known: JwtIssuer, token: string, seen: JwtRefusal['seen']): Promise<JwtVerdict> {
    const { jwks } = known;
    let keys = await jwks.current();
    let verdict = keys && (await this.verified(known, keys, token, seen));
    if (verdict && 'reason' in verdict && verdict.reason === 'unknown_key') {
      keys = await jwks.newer();
      if (keys) verdict = await this.verified(known, keys, token, seen);
    }
    const isUndecided = verdict === undefined || ('reason' in verdict && verdict.reason === 'unknown_key');
    if (isUndecided && jwks.fault !== null) {
      return { ...refusal('keys_unavailable', seen, jwks.fault), retryAfterSeconds: jwks.retryAfterSeconds };
    }
    return verdict ?? refusal('unknown_key', seen);
  }

  private async verified(
    { issuer, audience }: JwtIssuer,
    keys: JWTVerifyGetKey,
    token: string,
    seen: JwtRefusal['seen'],
  ): Promise<JwtVerdict> {
    const options: JWTVerifyOptions = {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      requiredClaims: ['exp', 'sub'],
      clockTolerance: LEEWAY_SECONDS,
      currentDate: new Date(this.clock.wallMs()),
    };
    try {
      const { payload } = await jwtVerify(token, keys, options);
      const { sub = '', exp = 0 } = payload;
      return { issuer, sub, untilMs: (exp + LEEWAY_SECONDS) * 1000 };
    } catch (error) {
      const reason = reasonOf(error);
      return refusal(reason, seen, reason === 'audience' ? audience : undefined);
    }
  }
}

function reasonOf(error: unknown): JwtRefusalReason {
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) {
    return 'unknown_key';
  }
  if (error instanceof errors.JWTExpired) return 'expired';
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'aud') return 'audience';
    if (error.claim === 'nbf') return 'not_yet_valid';
    return 'malformed';
  }
  if (error instanceof errors.JWTInvalid || error instanceof errors.JWSInvalid) return 'malformed';
  // A key that is too weak, or is of another kind than the algorithm, is no key for this token.
  return 'signature';
}

function refusal(reason: JwtRefusalReason, seen: JwtRefusal['seen'], expected?: string): JwtRefusal {
  return { reason, seen, expected };
}

function shownParts(header: JsonObject, claims: JsonObject): JwtRefusal['seen'] {
  const { alg, kid } = header;
  const { iss, aud, sub, exp, nbf } = claims;
  return { alg, kid, iss, aud, sub, exp, nbf };
}

function decodePart(part = ''): JsonObject | null {
  return parseJsonObject(Buffer.from(part, 'base64url').toString('utf8'));
}
