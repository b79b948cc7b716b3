import type { Clock } from '../../../core/ports/clock.js';
import type { ProblemCode } from '../../common/problem.js';
import type { Recognized } from '../client-access.js';
import type { JwtRefusal, JwtRefusalReason } from './jwt-refusal.js';
import type { JwtVerifier } from './jwt-verifier.js';

/** A token is verified again after this long: by then its key may have been taken back. */
export const MAX_SEEN_MS = 300_000;
/** Each takes some 300 bytes. */
const MAX_SEEN = 10_000;

interface Seen {
  readonly subject: string;
  /** Of the wall clock. */
  readonly untilMs: number;
}

/** What the bearer of a JWT that opens nothing is answered. */
export interface JwtProblem {
  readonly code: ProblemCode;
  readonly detail: string;
  readonly retryAfterSeconds?: number | undefined;
}

export type JwtCaller =
  | (Recognized & {
      /** When the JWT expires, on the wall clock. */
      readonly untilMs: number;
    })
  | { readonly kind: 'refused'; readonly problem: JwtProblem; readonly refusal: JwtRefusal };

/** Whose a JWT is. What was verified is remembered for a while, so that most requests cost a look into a map. */
export class JwtCallers {
  /** By the SHA-256 of the token, the oldest first. */
  private readonly seen = new Map<string, Seen>();

  /** @param clients by `subjectKey` */
  constructor(
    private readonly verifier: JwtVerifier,
    private readonly clients: ReadonlyMap<string, Recognized>,
    private readonly clock: Clock,
  ) {}

  /** The client of a token that was verified lately. */
  known(sha256: string): Recognized | undefined {
    const seen = this.seen.get(sha256);
    if (seen === undefined) return undefined;
    if (this.clock.wallMs() < seen.untilMs) return this.clients.get(seen.subject);
    this.seen.delete(sha256);
    return undefined;
  }

  async verify(token: string, sha256: string): Promise<JwtCaller> {
    const verdict = await this.verifier.verify(token);
    if ('reason' in verdict) return refused(verdict);
    const { issuer, sub, untilMs } = verdict;
    const subject = subjectKey(issuer, sub);
    const client = this.clients.get(subject);
    if (client === undefined) return refused({ reason: 'subject', seen: { iss: issuer, sub } });
    this.remember(sha256, { subject, untilMs: Math.min(untilMs, this.clock.wallMs() + MAX_SEEN_MS) });
    return { ...client, untilMs };
  }

  private remember(sha256: string, seen: Seen): void {
    this.seen.delete(sha256);
    for (const oldest of this.seen.keys()) {
      if (this.seen.size < MAX_SEEN) break;
      this.seen.delete(oldest);
    }
    this.seen.set(sha256, seen);
  }
}

export function subjectKey(issuer: string, sub: string): string {
  return JSON.stringify([issuer, sub]);
}

const REJECTED: readonly [ProblemCode, string] = [
  'jwt_rejected',
  "This JWT is not accepted: it is of no issuer that is known here, or its signature, key or algorithm is not right. The broker's log says which.",
];

/** One answer for all that would tell a stranger who is trusted here. */
export const JWT_ANSWERS: Readonly<Record<JwtRefusalReason, readonly [ProblemCode, string]>> = {
  too_long: ['jwt_rejected', 'This JWT is too long: at most 8,192 characters are read.'],
  malformed: ['jwt_rejected', 'This is no JWT with the claims iss, sub, aud and exp.'],
  algorithm: ['jwt_rejected', 'This JWT must be signed with RS256, ES256 or EdDSA.'],
  issuer: REJECTED,
  unknown_key: REJECTED,
  signature: REJECTED,
  expired: ['jwt_expired', 'This JWT has expired: get a new one and send that.'],
  not_yet_valid: [
    'jwt_rejected',
    'This JWT is not valid yet: compare the clocks of its issuer and of the broker.',
  ],
  audience: [
    'jwt_wrong_audience',
    'This JWT was issued for another service: ask its issuer for one with the audience of the broker.',
  ],
  subject: [
    'jwt_unknown_subject',
    'This JWT is genuine, but its subject is no caller: list its iss and sub under clients[].subjects of the configuration.',
  ],
  keys_unavailable: [
    'jwt_keys_unavailable',
    "The keys that verify this JWT cannot be had at the moment. The broker's log says why.",
  ],
};

function refused(refusal: JwtRefusal): JwtCaller {
  const [code, detail] = JWT_ANSWERS[refusal.reason];
  const { retryAfterSeconds } = refusal;
  return { kind: 'refused', refusal, problem: { code, detail, retryAfterSeconds } };
}
