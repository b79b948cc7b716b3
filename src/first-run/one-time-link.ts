import { hash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A code that is good once, and the session that it opens: one browser, the first that shows the code. */
export class OneTimeLink {
  readonly code = newSecret();
  private session: string | null = null;

  /** The session, for the value of a cookie; null for another code, and for one that was shown already. */
  open(code: unknown): string | null {
    if (this.session !== null || typeof code !== 'string' || !isSame(code, this.code)) return null;
    this.session = newSecret();
    return this.session;
  }

  get isUsed(): boolean {
    return this.session !== null;
  }

  isOf(session: string): boolean {
    return this.session !== null && isSame(session, this.session);
  }
}

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

function isSame(given: string, expected: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', expected, 'buffer'));
}
