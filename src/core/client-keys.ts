import { hash } from 'node:crypto';
import { isObject } from './json-object.js';

/** Digits of a SHA-256 that tell keys apart, and open nothing. */
export const SHOWN_DIGITS = 8;

/** The hash of an API key, and when the key ends. */
export interface ClientKey {
  /** SHA-256 of the key's UTF-8 text, in lower-case hex. */
  readonly sha256: string;
  /** On the wall clock; null: it does not end. */
  readonly expiresAtMs: number | null;
}

/** A key as it is configured: its text, or its hash; `expiresAt` with a zone. */
export interface KeyEntry {
  readonly file?: { value(): string };
  readonly sha256?: string;
  readonly expiresAt?: string;
}

export interface KeyHolder {
  readonly keySha256?: readonly string[];
  readonly keys?: readonly KeyEntry[];
}

/** All API keys of a client, whichever way they are configured. */
export function keysOfClient({ keySha256 = [], keys = [] }: KeyHolder): readonly ClientKey[] {
  return [...keySha256.map((sha256): KeyEntry => ({ sha256 })), ...keys].map(
    ({ file, sha256 = '', expiresAt }) => ({
      sha256: file ? hash('sha256', file.value()) : sha256.toLowerCase(),
      expiresAtMs: expiresAt === undefined ? null : Date.parse(expiresAt),
    }),
  );
}

/** A JWKS has a handful of keys; more are a mistake, or somebody who wants to keep the broker busy. */
const MAX_KEYS = 100;

/** What is wrong with the text of a JWKS; undefined when nothing is. Says nothing of each key: one of an unknown kind is none that fits. */
export function jwksForm(text: string): string | undefined {
  let jwks: unknown;
  try {
    jwks = JSON.parse(text);
  } catch {
    return 'must be a JWKS: JSON such as {"keys": […]}';
  }
  if (!isObject(jwks) || !Array.isArray(jwks.keys) || !jwks.keys.every(isObject)) {
    return 'must be a JWKS: JSON such as {"keys": […]}';
  }
  const { length } = jwks.keys;
  if (length < 1 || length > MAX_KEYS) return `must have 1 to ${MAX_KEYS} keys, got ${length}`;
  return jwks.keys.some((key) => 'd' in key || 'k' in key)
    ? 'must have public keys only: this one holds a private or a shared key; take it out, and replace it at its issuer'
    : undefined;
}
