import { createCipheriv, createHash, createHmac, randomBytes } from 'node:crypto';

const KEY_BYTES = 16;

/** Data as a mini program receives it, and hands it on for decryption. */
export interface EncryptedData {
  readonly encrypted_data: string;
  readonly iv: string;
  /** The plain text, and its signature with the session_key. */
  readonly raw_data: string;
  readonly signature: string;
}

/** The one session_key that is valid for each user of a mini program: 24 characters, base64 of 16 bytes. */
export class SessionKeys {
  readonly #keys = new Map<string, string>();

  current(appId: string, openid: string): string {
    return this.#keys.get(`${appId} ${openid}`) ?? this.renew(appId, openid);
  }

  renew(appId: string, openid: string): string {
    const key = randomBytes(KEY_BYTES).toString('base64');
    this.#keys.set(`${appId} ${openid}`, key);
    return key;
  }

  /** Whether a signature of the empty text was made with the valid key. */
  isSignedBy(appId: string, openid: string, signature: string): boolean {
    const key = this.#keys.get(`${appId} ${openid}`);
    return key !== undefined && signatureOf(key) === signature;
  }
}

/** The key is the text as delivered, not what it is in base64. */
function signatureOf(sessionKey: string): string {
  return createHmac('sha256', sessionKey).update('').digest('hex');
}

export function encryptData(data: object, sessionKey: string): EncryptedData {
  const iv = randomBytes(KEY_BYTES);
  const cipher = createCipheriv('aes-128-cbc', Buffer.from(sessionKey, 'base64'), iv);
  const raw = JSON.stringify(data);
  return {
    encrypted_data: Buffer.concat([cipher.update(raw), cipher.final()]).toString('base64'),
    iv: iv.toString('base64'),
    raw_data: raw,
    signature: createHash('sha1')
      .update(raw + sessionKey)
      .digest('hex'),
  };
}
