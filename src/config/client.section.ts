import { NAME, NAME_FORM } from './app.section.js';
import { problem } from './faults.js';
import { RateSection } from './limits.section.js';
import { CertificateSection, SubjectSection } from './identities.section.js';
import {
  About,
  Check,
  checkEntries,
  List,
  Flag,
  Optional,
  Section,
  SectionList,
  Text,
  TextList,
  WholeNumber,
  SecretFile,
  Tidy,
} from './keys.js';
import { apiKeyFault, API_KEY_PREFIX } from './api-key.js';
import type { Secret } from './secret.js';
import { oddCharacter } from './secret-text.js';
import { keysOfClient } from '../core/client-keys.js';

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
function checkHash(value: unknown): string | undefined {
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

/** `GET /cgi-bin/user/info`, `POST /cgi-bin/message/**`: a method, or `*` for all, and a path of words, `*` and `**`. */
const ALLOW_ENTRY = /^(?:\*|GET|HEAD|POST|PUT|PATCH|DELETE) (?:\/(?:\*\*?|[\w.~@:+-]+))+$/;
const MAX_ALLOW_ENTRIES = 500;
const GIB = 1024 ** 3;

/** What a client may do through the gateway. */
export class ClientGatewaySection {
  @About(
    'the calls that it may make, such as `POST /cgi-bin/message/**` and `GET /cgi-bin/user/info`: a method, or `*` for all, and a path, where `*` stands for one segment and `**` for any number of them. All others are refused',
  )
  @TextList(
    ALLOW_ENTRY,
    'a method and a path, such as GET /cgi-bin/user/info or POST /cgi-bin/message/**',
    `must list 1 to ${MAX_ALLOW_ENTRIES} calls, such as POST /cgi-bin/message/**`,
    MAX_ALLOW_ENTRIES,
  )
  readonly allow!: readonly string[];

  @About('the largest body of a call; a larger one is refused with 413')
  @WholeNumber(0, GIB)
  readonly maxBodyBytes: number = 33_554_432;

  @About('calls a second, on average, by each replica; more are refused with 429. Left out: no bound')
  @Optional()
  @WholeNumber(1, 100_000)
  readonly ratePerSecond?: number;
}

/**
 * What a caller may do. `token:admin` forces a refresh without proof; `ticket:read` is for JS-SDK tickets; `login:tokens` and
 * `login:session-key` hand out what the broker otherwise keeps to itself.
 */
export const SCOPES = [
  'token:read',
  'token:refresh',
  'token:admin',
  'ticket:read',
  'login',
  'login:tokens',
  'login:session-key',
  'users:read',
  'gateway',
  'gateway:admin',
  'console',
  'console:act',
] as const;
export type Scope = (typeof SCOPES)[number];

export class ClientSection {
  @About('appears in log and audit, never in metrics')
  @Text(NAME, NAME_FORM)
  readonly name!: string;

  /** In lower case. */
  @About(
    'SHA-256 of the API key, in hex; one or two. A caller has this, `keys`, `subjects` or `certificates`',
  )
  @Optional()
  @List(checkHash, 'must list one or two hashes, the second while a key is being replaced', {
    max: 2,
    items: { type: 'string', pattern: HASH },
    tidy: (hash) => String(hash).toLowerCase(),
  })
  readonly keySha256?: readonly string[];

  /** API keys that are in files of their own, or that end. */
  @Optional()
  @SectionList(() => ClientKeySection, 'must list one to four keys, or be left out', { max: 4 })
  readonly keys?: readonly ClientKeySection[];

  /** Whose JWTs are this caller. */
  @Optional()
  @SectionList(() => SubjectSection, 'must list at least one subject, or be left out')
  readonly subjects?: readonly SubjectSection[];

  /** Whose certificates are this caller. */
  @Optional()
  @SectionList(() => CertificateSection, 'must list at least one name of a certificate, or be left out')
  readonly certificates?: readonly CertificateSection[];

  @About('names, or `"*"`')
  @Check(checkApps, {
    anyOf: [{ const: '*' }, { type: 'array', minItems: 1, items: { type: 'string', pattern: NAME.source } }],
  })
  readonly apps!: readonly string[] | '*';

  @About(
    '`token:read`; `token:refresh` to report refused tokens; `token:admin` to force a rotation without proof; `ticket:read` for tickets and signatures; `login` to log users in; `login:tokens` and `login:session-key` for the raw tokens and session_key of a user; `users:read` for what the platform knows of users; `gateway` for calls through the broker, `gateway:admin` also for those that reset quotas; `console` to look at [the console](console.md), `console:act` also to act there',
  )
  @List(checkScope, `must list at least one of ${SCOPES.join(', ')}`, { items: { enum: [...SCOPES] } })
  readonly scopes!: readonly Scope[];

  /** Below 60 s some SDKs report an error, and others ask at each call. */
  @About(
    'bounds the `expires_in` that the [drop-in endpoints](drop-in.md#expires_in) and [`POST /oauth2/token`](oauth2.md#expires_in) promise this client, for SDKs and libraries that do nothing about a refused token: 300 to 600 lets them heal by asking again. Left out: no bound',
  )
  @Optional()
  @WholeNumber(60, 7200)
  readonly maxExpiresInSeconds?: number;

  @About(
    '[drop-in endpoints](drop-in.md) give it [virtual tokens](gateway.md#virtual-tokens) instead of the real one, which it then gets nowhere. Needs the scope `gateway` and `encryption.keys`',
  )
  @Optional()
  @Flag()
  readonly virtualTokens?: boolean;

  /** Left out: that of the root. */
  @Optional()
  @Section(() => RateSection)
  readonly rate?: RateSection;

  @About('with the scope `gateway`: what it may call through [the gateway](gateway.md)')
  @Optional()
  @Section(() => ClientGatewaySection)
  readonly gateway?: ClientGatewaySection;
}

function checkApps(value: unknown): string | readonly string[] | undefined {
  if (value === '*') return undefined;
  if (!Array.isArray(value) || value.length === 0) {
    return problem('a list of names of apps, or "*" for all', value);
  }
  return checkEntries(value, (entry) => {
    if (entry === '*') return 'for all apps write apps: "*", without a list';
    return typeof entry === 'string' ? undefined : problem('the name of an app', entry);
  });
}

export function checkScope(value: unknown): string | undefined {
  return SCOPES.some((scope) => scope === value) ? undefined : problem(`one of ${SCOPES.join(', ')}`, value);
}

/** From so long before its end on, a key is one that somebody has to replace. */
const NOTICE_MS = 14 * 86_400_000;

/** An API key that ends soon, or has ended. */
export interface EndingKey {
  readonly client: string;
  readonly sha256: string;
  /** Of the wall clock. */
  readonly expiresAtMs: number;
  readonly hasEnded: boolean;
}

/** In the order of the configuration. */
export function endingKeys(clients: readonly ClientSection[], nowMs: number): readonly EndingKey[] {
  return clients.flatMap((client) =>
    keysOfClient(client).flatMap(({ sha256, expiresAtMs }) =>
      expiresAtMs === null || nowMs < expiresAtMs - NOTICE_MS
        ? []
        : [{ client: client.name, sha256, expiresAtMs, hasEnded: nowMs >= expiresAtMs }],
    ),
  );
}
