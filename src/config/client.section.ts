import { NAME, NAME_FORM } from './app.section.js';
import { checkHash, ClientKeySection } from './client-key.section.js';
import { problem } from './faults.js';
import { ClientGatewaySection } from './gateway.section.js';
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
  WholeNumber,
} from './keys.js';

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
    items: { type: 'string', pattern: '^[0-9a-fA-F]{64}$' },
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
