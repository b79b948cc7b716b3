import { hash, timingSafeEqual } from 'node:crypto';
import type { AppName } from '../core/token.js';
import { ClientAccess } from './client-access.js';
import type { ApiClient } from './http-settings.js';

/** Who sent a request. `missing`: no Bearer key at all; `unknown`: a key that is nobody's. */
export type Authentication =
  | { readonly kind: 'ok'; readonly client: ClientAccess }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown' };

interface KnownKey {
  readonly digest: Buffer;
  readonly answer: Authentication;
}

const MISSING: Authentication = { kind: 'missing' };
const UNKNOWN: Authentication = { kind: 'unknown' };
const SCHEME = 'bearer ';

/** Recognises API keys. They are 256 random bits, so one SHA-256 is enough and a slow hash would only slow callers down. */
export class Authenticator {
  private readonly keys = new Map<string, KnownKey>();

  constructor(clients: readonly ApiClient[], apps: readonly AppName[]) {
    for (const client of clients) {
      const answer: Authentication = { kind: 'ok', client: new ClientAccess(client, apps) };
      for (const hex of client.keySha256) {
        const digest = Buffer.from(hex, 'hex');
        this.keys.set(digest.toString('latin1'), { digest, answer });
      }
    }
  }

  /** Reads the value of an `Authorization` header. */
  authenticate(authorization: string | undefined): Authentication {
    if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return MISSING;
    const key = authorization.slice(SCHEME.length).trim();
    if (key === '') return MISSING;
    const digest = hash('sha256', key, 'buffer');
    const known = this.keys.get(digest.toString('latin1'));
    return known !== undefined && timingSafeEqual(known.digest, digest) ? known.answer : UNKNOWN;
  }
}
