import { createCipheriv, createDecipheriv, type CipherKey } from 'node:crypto';

const ALGORITHM = 'aes-256-gcm';
const TAG_BYTES = 16;
export const NONCE_BYTES = 12;
/** What is not longer than this was sealed by nobody. */
export const SEALING_BYTES = NONCE_BYTES + TAG_BYTES;

/** Nonce, ciphertext and tag. `binding`: opens with the very same one only. */
export function sealBytes(key: CipherKey, nonce: Uint8Array, plain: Uint8Array, binding?: Buffer): Buffer {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  if (binding) cipher.setAAD(binding);
  return Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Null for what this key has not sealed with this binding, whatever it is. */
export function unsealBytes(key: CipherKey, sealed: Buffer, binding?: Buffer): Buffer | null {
  if (sealed.length <= SEALING_BYTES) return null;
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  if (binding) decipher.setAAD(binding);
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  const plain = decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    return null;
  }
}
