import { apiKeyFault, API_KEY_PREFIX } from './api-key.js';
import { About, Check, Optional, SecretFile, Tidy } from './keys.js';
import type { Secret } from './secret.js';
import { oddCharacter } from './secret-text.js';

const HASH = '^[0-9a-fA-F]{64}$';
/** RFC 3339, the seconds may be left out. */
const TIME =
  /^(\d{4}-\d{2}-\d{2})T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;

/** One API key of a caller. */
export class ClientKeySection {
  @About(
    'the path of a file with the API key itself, which belongs to whoever rotates it: External Secrets, a Vault agent, sealed secrets. A new content is taken over within 2 s. One of `file` and `sha256`',
  )
  @Optional()
  @SecretFile((key) => apiKeyFault(key, true))
  readonly file?: Secret;

  /** In lower case. */
  @About('the SHA-256 of the API key, in hex, as in `keySha256`')
  @Optional()
  @Check(checkHash, { type: 'string', pattern: HASH })
  @Tidy((hash) => String(hash).toLowerCase())
  readonly sha256?: string;

  @About('when the key ends: a time with its zone, such as `2027-03-01T00:00:00+08:00`. Left out: never')
  @Optional()
  @Check(checkTime, { type: 'string', pattern: TIME.source })
  readonly expiresAt?: string;
}

/** Shows no value: the most likely mistake is the key itself. */
export function checkHash(value: unknown): string | undefined {
  if (typeof value !== 'string') return 'must be text of 64 hex digits: put it in quotes';
  if (new RegExp(HASH).test(value)) return undefined;
  if (value.startsWith(API_KEY_PREFIX)) {
    return 'this is the key itself; put its SHA-256 here and keep the key with the caller';
  }
  const odd = oddCharacter(value, /[0-9a-f]/i);
  const what = value !== '' && odd ? `: ${odd}` : ` and has ${value.length} characters`;
  return `must be a SHA-256 of 64 hex digits${what}; \`access-token-broker keygen\` prints a key with its hash`;
}

function checkTime(value: unknown): string | undefined {
  const expectation = 'must be a time with its zone, such as 2027-03-01T00:00:00+08:00';
  const [, day = ''] = typeof value === 'string' ? (TIME.exec(value) ?? []) : [];
  if (day === '') return expectation;
  // A day that a month does not have becomes one of the next month.
  const midnight = new Date(`${day}T00:00:00Z`);
  const isDay = !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
  return isDay ? undefined : `${expectation}: there is no such day`;
}
