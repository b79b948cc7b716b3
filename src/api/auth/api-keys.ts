import { hash, timingSafeEqual } from 'node:crypto';
import type { AppName } from '../../core/token.js';
import type { ClientSection } from '../../config/client.section.js';
import { ClientAccess } from './client-access.js';

/** Who sent a request. `missing`: no Bearer key at all; `unknown`: a key that is nobody's. */
export type Authentication =
  | { readonly kind: 'ok'; readonly client: ClientAccess }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unknown' };

interface KnownKey {
  readonly sha256: Buffer;
  readonly answer: Authentication;
}

const MISSING: Authentication = { kind: 'missing' };
const UNKNOWN: Authentication = { kind: 'unknown' };
const SCHEME = 'bearer ';

/** Recognises API keys. They are 256 random bits, so one SHA-256 is enough and a slow hash would only slow callers down. */
export class ApiKeys {
  private readonly keys = new Map<string, KnownKey>();
  /** Written anew by each request: hashing into a new buffer costs four times as much. */
  private readonly sha256 = Buffer.alloc(64);

  constructor(clients: readonly ClientSection[], apps: readonly AppName[]) {
    for (const client of clients) {
      const answer: Authentication = { kind: 'ok', client: new ClientAccess(client, apps) };
      for (const hex of client.keySha256) {
        const sha256 = hex.toLowerCase();
        this.keys.set(sha256, { sha256: Buffer.from(sha256, 'latin1'), answer });
      }
    }
  }

  /** Reads the value of an `Authorization` header. */
  authenticate(authorization: string | undefined): Authentication {
    if (authorization?.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return MISSING;
    return this.recognize(authorization.slice(SCHEME.length).trim());
  }

  /** Reads a key that came by itself. */
  recognize(key: string): Authentication {
    if (key === '') return MISSING;
    const hex = hash('sha256', key, 'hex');
    const known = this.keys.get(hex);
    if (known === undefined) return UNKNOWN;
    this.sha256.write(hex, 'latin1');
    return timingSafeEqual(known.sha256, this.sha256) ? known.answer : UNKNOWN;
  }
}
