import { hash } from 'node:crypto';

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
