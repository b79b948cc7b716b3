import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { AppName } from '../../core/token.js';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface CipherKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/**
 * Seals tokens for the store: `<key id>.<base64url of nonce, ciphertext and tag>`. App and generation are bound to it, so
 * that a value that was moved to another record does not open.
 */
export class TokenCipher {
  private readonly keys: ReadonlyMap<string, Buffer>;
  private readonly current: CipherKey;

  /** The first key seals, all open. Throws if there is none. */
  constructor(keys: readonly CipherKey[]) {
    const [current] = keys;
    if (!current) throw new Error('a cipher needs a key');
    this.current = current;
    this.keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  seal(app: AppName, generation: number, value: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.current.key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(boundTo(app, generation));
    const sealed = Buffer.concat([nonce, cipher.update(value, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${this.current.id}.${sealed.toString('base64url')}`;
  }

  /** Null if it was sealed with a key that is not known, for another record, or has been changed. */
  open(app: AppName, generation: number, sealed: string): string | null {
    const dot = sealed.lastIndexOf('.');
    const key = this.keys.get(sealed.slice(0, dot));
    const bytes = Buffer.from(sealed.slice(dot + 1), 'base64url');
    if (!key || bytes.length <= NONCE_BYTES + TAG_BYTES) return null;
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(boundTo(app, generation));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const value = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([value, decipher.final()]).toString('utf8');
    } catch {
      return null;
    }
  }
}

function boundTo(app: AppName, generation: number): Buffer {
  return Buffer.from(JSON.stringify([app, generation]));
}
