import { createHash, randomBytes } from 'node:crypto';

/** What every generated key begins with, so that scanners and people recognise one. */
export const API_KEY_PREFIX = 'tbk_';

/** A new key of 256 random bits, and the hash under which the broker knows it. */
export function generateApiKey(): { key: string; sha256: string } {
  const key = API_KEY_PREFIX + randomBytes(32).toString('base64url');
  return { key, sha256: sha256Hex(key) };
}

/** The form of an API key in `clients[].keySha256`: SHA-256 of its UTF-8 text, lower-case hex. */
export function sha256Hex(key: string): string {
  return createHash('sha256').update(key, 'utf8').digest('hex');
}
