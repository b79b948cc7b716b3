import { hash, randomBytes } from 'node:crypto';

/** What every generated key begins with, so that scanners and people recognise one. */
export const API_KEY_PREFIX = 'tbk_';

const MIN_CHARACTERS = 32;
const MIN_CHARACTERS_ON_TRIAL = 16;
/** Of a key of 32 random characters, fewer than this many different ones are not to be expected in the life of the universe. */
const MIN_DIFFERENT = 10;
/** Of the key that docker-compose.yml and docs/redis.md show. */
const DEMO_KEY_HASH = '5f501fa92cec34ee8c6e26ed6deff81b57a1b4afc0f7374a71b13f01acf3ff75';

export const MAKE_A_KEY = '`access-token-broker keygen` makes one';

/** A new key of 256 random bits, and the hash under which the broker knows it. */
export function generateApiKey(): { key: string; sha256: string } {
  const key = API_KEY_PREFIX + randomBytes(32).toString('base64url');
  return { key, sha256: sha256Hex(key) };
}

/** The form of an API key in `clients[].keySha256`: SHA-256 of its UTF-8 text, lower-case hex. */
export function sha256Hex(key: string): string {
  return hash('sha256', key);
}

/** Says why a key must not be used; undefined when it may. On trial, short ones may. */
export function apiKeyFault(key: string, isTrial: boolean): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(key)) return `must be visible ASCII characters; ${MAKE_A_KEY}`;
  const random = key.startsWith(API_KEY_PREFIX) ? key.slice(API_KEY_PREFIX.length) : key;
  const min = isTrial ? MIN_CHARACTERS_ON_TRIAL : MIN_CHARACTERS;
  const isWeak = random.length < min || (!isTrial && new Set(random).size < MIN_DIFFERENT);
  return isWeak
    ? `must be at least ${min} random characters${key === random ? '' : ` after ${API_KEY_PREFIX}`}; ${MAKE_A_KEY}`
    : undefined;
}

export function isDemoKeyHash(sha256: string): boolean {
  return sha256.toLowerCase() === DEMO_KEY_HASH;
}
