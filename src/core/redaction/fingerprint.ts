import { hash } from 'node:crypto';

/** The first 8 hex digits of a token's SHA-256: enough to find a token that one holds in the log, and no use to anybody else. */
export function fingerprint(value: string): string {
  return hash('sha256', value, 'hex').slice(0, 8);
}
