import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

export interface CipherKey {
  readonly id: string;
  /** 32 bytes. */
  readonly key: Buffer;
}

/** What a sealed text belongs to. It opens for the very same binding only. */
export type Binding = readonly (string | number)[];

/** `unknown_key`: no configured key has its id. `garbage`: anything else that does not open for this binding. */
export type Opened =
  | { readonly kind: 'opened'; readonly text: string; readonly keyId: string }
  | { readonly kind: 'unknown_key' }
  | { readonly kind: 'garbage' };

/** Seals text for the store: `<key id>.<base64url of nonce, ciphertext and tag>`. */
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

  /** Of the key that seals. */
  get currentKeyId(): string {
    return this.current.id;
  }

  seal(binding: Binding, text: string): string {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(ALGORITHM, this.current.key, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(bytesOf(binding));
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
    return `${this.current.id}.${sealed.toString('base64url')}`;
  }

  open(binding: Binding, sealed: string): Opened {
    const dot = sealed.lastIndexOf('.');
    const keyId = sealed.slice(0, dot);
    const key = this.keys.get(keyId);
    const bytes = Buffer.from(sealed.slice(dot + 1), 'base64url');
    if (dot < 1 || bytes.length <= NONCE_BYTES + TAG_BYTES) return { kind: 'garbage' };
    if (!key) return { kind: 'unknown_key' };
    const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(bytesOf(binding));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    try {
      const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
      return {
        kind: 'opened',
        text: Buffer.concat([text, decipher.final()]).toString('utf8'),
        keyId,
      };
    } catch {
      return { kind: 'garbage' };
    }
  }
}

function bytesOf(binding: Binding): Buffer {
  return Buffer.from(JSON.stringify(binding));
}
