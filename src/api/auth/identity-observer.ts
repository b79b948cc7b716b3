import type { JwtRefusal } from './jwt/jwt-refusal.js';

/** Is told of identities besides API keys. Must be cheap, must not throw and must not wait. */
export abstract class IdentityObserver {
  /** @param remote the address of the caller */
  abstract jwtRefused(refusal: JwtRefusal, remote: string): void;
  /** The keys of an issuer were read, from where the configuration says. */
  abstract keysRead(issuer: string, kids: readonly string[]): void;
  /** They could not be; those from before, if there are any, are used on. */
  abstract keysUnavailable(issuer: string, reason: string, hasKeys: boolean): void;
}
