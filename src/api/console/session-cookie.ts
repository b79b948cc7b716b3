import { hkdfSync, randomBytes } from 'node:crypto';
import type { Clock } from '../../core/ports/clock.js';
import { NONCE_BYTES, sealBytes, unsealBytes } from '../../core/sealed-bytes.js';
import type { Proof } from '../auth/callers.js';

const COOKIE = 'console_session';
const SESSION_MS = 8 * 60 * 60 * 1000;
const KEY_BYTES = 32;
const CSRF_BYTES = 18;
/** Longer ones are not looked into. */
const MAX_CHARACTERS = 2048;

/** Who signed in at the console, by what, and until when. */
export interface ConsoleSession {
  readonly client: string;
  readonly proof: Proof;
  /** What a request that changes something has to bear besides the cookie. */
  readonly csrf: string;
  /** On the wall clock. */
  readonly expiresAtMs: number;
}

/**
 * Sessions of the console, sealed into the cookie and kept nowhere: every replica with the same encryption keys opens them. A
 * sealed session names the key it was opened with by a part of its hash, which opens nothing.
 */
export class SessionCookies {
  private readonly keys: readonly Buffer[];

  /**
   * @param encryptionKeys 32 bytes each; the first one seals, all of them open. Without any, a key of this process
   * @param deployment what keeps those that share encryption keys apart
   */
  constructor(
    encryptionKeys: readonly Buffer[],
    deployment: string,
    private readonly clock: Clock,
  ) {
    const secrets = encryptionKeys.length > 0 ? encryptionKeys : [randomBytes(KEY_BYTES)];
    const label = `tokenbroker console session ${deployment}`;
    this.keys = secrets.map((secret) => Buffer.from(hkdfSync('sha256', secret, '', label, KEY_BYTES)));
  }

  open(client: string, proof: Proof): ConsoleSession {
    const endsAtMs = this.clock.wallMs() + SESSION_MS;
    return {
      client,
      proof,
      csrf: randomBytes(CSRF_BYTES).toString('base64url'),
      expiresAtMs: Math.min(endsAtMs, proof.untilMs ?? Infinity),
    };
  }

  seal(session: ConsoleSession): string {
    const [key] = this.keys;
    if (!key) throw new Error('there is always a key');
    const plain = Buffer.from(JSON.stringify(session));
    return sealBytes(key, randomBytes(NONCE_BYTES), plain).toString('base64url');
  }

  /** Null for what no key of this deployment has sealed, and for a session that is over. */
  unseal(text: string): ConsoleSession | null {
    if (text.length > MAX_CHARACTERS) return null;
    const sealed = Buffer.from(text, 'base64url');
    for (const key of this.keys) {
      const plain = unsealBytes(key, sealed);
      if (plain === null) continue;
      const session = JSON.parse(plain.toString()) as ConsoleSession;
      return session.expiresAtMs > this.clock.wallMs() ? session : null;
    }
    return null;
  }
}

/** The value of the cookie of that name in a header `Cookie`. */
export function cookieIn(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === COOKIE) return value;
  }
  return undefined;
}

/** The header that sets it; null ends the session in the browser. */
export function setCookie(value: string | null, isHttps: boolean): string {
  const maxAgeSeconds = value === null ? 0 : SESSION_MS / 1000;
  const secure = isHttps ? '; Secure' : '';
  return `${COOKIE}=${value ?? ''}; Path=/console; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}
