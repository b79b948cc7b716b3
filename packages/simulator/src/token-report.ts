import type { Death, IssuedToken } from './issued-token.js';

/** A token as the oracle tells it. Times are epoch ms. */
export interface TokenReport {
  readonly family: string;
  readonly app_id: string;
  readonly token: string;
  readonly issued_to: 'caller' | 'other';
  /** An intact answer with it was written to an open connection. */
  readonly delivered: boolean;
  readonly issued_at: number;
  /** The end of its natural life. */
  readonly expires_at: number;
  /** When it ends as things stand: before `expires_at` for one that was or is being replaced. */
  readonly ends_at: number;
  /** Null while it lives, and so is `death`. */
  readonly died_at: number | null;
  readonly death: Death | null;
  /** What it was asked for with, where that is anything. */
  readonly details?: Readonly<Record<string, string>>;
}

export function tokenReport(token: IssuedToken, nowMs: number): TokenReport {
  const fate = token.fateAt(nowMs);
  const death = fate === 'valid' || fate === 'not_yet_issued' ? null : fate;
  return {
    family: token.family,
    app_id: token.appId,
    token: token.value,
    issued_to: token.issuedTo,
    delivered: token.delivered,
    issued_at: token.issuedAtMs,
    expires_at: token.expiresAtMs,
    ends_at: token.endsAtMs,
    died_at: death === null ? null : token.endsAtMs,
    death,
    ...(token.details && { details: token.details }),
  };
}
