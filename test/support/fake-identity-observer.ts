import { IdentityObserver } from '../../src/api/common/request.js';
import type { JwtRefusal } from '../../src/api/auth/jwt/jwt-refusal.js';

/** Records what it is told. */
export class FakeIdentityObserver extends IdentityObserver {
  readonly refusals: JwtRefusal[] = [];
  /** Issuers whose keys were read, or could not be. */
  readonly read: string[] = [];
  readonly unavailable: string[] = [];
  jwtRefused(refusal: JwtRefusal): void {
    this.refusals.push(refusal);
  }
  keysRead(issuer: string): void {
    this.read.push(issuer);
  }
  keysUnavailable(issuer: string, reason: string): void {
    this.unavailable.push(`${issuer}: ${reason}`);
  }
}
