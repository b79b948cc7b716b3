import { isIP } from 'node:net';
import { PLATFORMS } from '../platforms/registry.js';
import { AppSection } from './app.section.js';
import { ClientSection } from './client.section.js';
import { ConfigDirSection } from './config-dir.section.js';
import { EgressSection } from './egress.section.js';
import { isWordLike, problem, shapeProblem, type Fault } from './faults.js';
import { GatewaySection } from './gateway.section.js';
import { IdentitiesSection } from './identities.section.js';
import {
  About,
  Check,
  checkEntries,
  Flag,
  Fraction,
  FromVariable,
  InChart,
  type Kinds,
  OneOf,
  Optional,
  secretFault,
  SecretTexts,
  Seconds,
  Section,
  SectionList,
  Text,
  Url,
  WholeNumber,
} from './keys.js';
import { AuthSection, LimitsSection, RateSection } from './limits.section.js';
import { EncryptionSection, HOST, RedisSection } from './redis.section.js';
import type { Secret } from './secret.js';
import { ServerTlsSection } from './server-tls.section.js';
import { headerForm } from './secret-text.js';
import { isMapping } from './values.js';

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
const AUDITED_READS = ['sampled', 'all', 'none'] as const;
const PER_APP = ['all', 'problems', 'none'] as const;
const PER_APP_FORM = 'one of all, problems, none, or false';
/** Names for well-known ranges that the HTTP server understands. */
const RANGES = ['loopback', 'linklocal', 'uniquelocal'];
/** The names of headers that HTTP allows and people use. */
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;
const NO_APP =
  'no app is configured: without a file set BROKER_APP_ID and BROKER_APP_SECRET, else list one in the file that BROKER_CONFIG names';
const NO_CLIENT =
  'no caller is configured: without a file set BROKER_API_KEY, else list one with keySha256 in the file that BROKER_CONFIG names; ' +
  '`access-token-broker keygen` (also `npm run keygen`) makes a key';

export class ServerSection {
  @About('port to listen on')
  @WholeNumber(0, 65535)
  // A user without capabilities may not listen below 1024, and a Service needs a port that is known.
  @InChart({ type: 'integer', minimum: 1024, maximum: 65535 })
  @FromVariable('PORT', 'wins')
  readonly port: number = 8080;

  @About(
    'a port of its own for `/metrics`, for [the console](console.md), and for `/health/live` and `/health/ready` with the names of apps. `port` then answers probes without names, and neither of the others. Left out: `port` has all of it',
  )
  @Optional()
  @WholeNumber(0, 65535)
  @InChart({ type: 'integer', minimum: 1024, maximum: 65535 })
  readonly adminPort?: number;

  @About(
    'address to listen on; left out: all, IPv6 and IPv4 (`::`, or `0.0.0.0` where the kernel has no IPv6)',
  )
  @Optional()
  @Text(HOST, 'an address or a host name')
  @FromVariable('HOST', 'wins')
  readonly host?: string;

  @About(LOG_LEVELS.join(', '))
  @OneOf(LOG_LEVELS)
  @FromVariable('LOG_LEVEL', 'wins')
  readonly logLevel: (typeof LOG_LEVELS)[number] = 'info';

  @About('OpenAPI under `/docs`')
  @Flag()
  readonly docs: boolean = false;

  @About(
    'whose `X-Forwarded-For` is believed, for the addresses in the audit: false or a list of addresses and CIDRs',
  )
  @Check(checkTrustProxy, { anyOf: [{ enum: [false] }, { type: 'array', items: { type: 'string' } }] })
  @InChart({
    anyOf: [
      { const: false },
      {
        type: 'array',
        minItems: 1,
        items: { type: 'string', pattern: `^(${RANGES.join('|')}|[0-9A-Fa-f.:]+(/[0-9]{1,3})?)$` },
      },
    ],
  })
  readonly trustProxy: false | readonly string[] = false;

  @About(
    'after SIGTERM: how long it still serves and renews, not ready any more, until load balancers have noticed; 0 with the chart, whose preStop sleep is that wait',
  )
  @Seconds({ zero: true, max: 3600 })
  readonly drainSeconds: number = 0;

  /** Left out: HTTP. */
  @Optional()
  @Section(() => ServerTlsSection)
  readonly tls?: ServerTlsSection;
}

export class AuditSection {
  @About(
    '`sampled`: the first read of each generation by each client and key, and by each new address of it; `all`; `none`',
  )
  @OneOf(AUDITED_READS)
  readonly reads: (typeof AUDITED_READS)[number] = 'sampled';

  @About('`stdout`, `stderr` or the absolute path of a file')
  @Text(/^(stdout|stderr|\/.*[^/])$/, 'stdout, stderr or the absolute path of a file')
  readonly destination: string = 'stdout';
}

export class MetricsSection {
  @About(
    '`all`: about 20 series for each app; `problems`: gauges of those that are not well, and sums of all; `none`, or `false`: sums alone, for thousands of apps',
  )
  @Check(
    (value) =>
      value === false || PER_APP.some((known) => known === value) ? undefined : problem(PER_APP_FORM, value),
    { enum: [...PER_APP, false] },
  )
  readonly perApp: (typeof PER_APP)[number] | false = 'all';
}

export class TracingSection {
  @About(
    'where a collector takes OTLP over HTTP, such as `http://collector:4318/v1/traces`. Left out: nothing is traced',
  )
  @Url('the URL to which a collector takes OTLP over HTTP, such as http://collector:4318/v1/traces', {
    hint: '; use headers',
  })
  readonly endpoint!: string;

  @About('of the traces that begin here; the `traceparent` of a caller with a known key decides for itself')
  @Fraction(0, 1)
  readonly sampleRatio: number = 0.1;

  @About('`{ authorization: { file: … } }`')
  @SecretTexts(headerForm, checkHeaders)
  readonly headers: Readonly<Record<string, Secret>> = {};
}

/** Turns the console on. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- a section without keys is one all the same
export class ConsoleSection {}

/** The lists that may also be written as mappings by name, which several files of Helm values can be merged into. */
export const NAMED_LISTS = ['apps', 'clients'] as const;

/** The platform of an app decides which keys it has. */
export function kindsOfApps(): Kinds {
  const classes = new Map(PLATFORMS.map(({ id, section }) => [id, section]));
  return { key: 'provider', classes, fallback: PLATFORMS[0].id };
}

/**
 * Everything the broker is told at start: the root of the file, with the environment laid over it. `loadConfig` returns
 * it checked, complete and frozen; only the value of a `Secret` read from a file can change.
 */
export class Config {
  @Section(() => ServerSection)
  readonly server: ServerSection = new ServerSection();

  /** Left out: tokens live in this process's memory. */
  @Optional()
  @Section(() => RedisSection)
  readonly redis?: RedisSection;

  /** Always there with redis. */
  @Optional()
  @Section(() => EncryptionSection)
  readonly encryption?: EncryptionSection;

  @Section(() => AuditSection)
  readonly audit: AuditSection = new AuditSection();

  @Section(() => MetricsSection)
  readonly metrics: MetricsSection = new MetricsSection();

  @Optional()
  @Section(() => TracingSection)
  readonly tracing?: TracingSection;

  @SectionList(() => AppSection, NO_APP, { kinds: kindsOfApps })
  readonly apps: readonly AppSection[] = [];

  @SectionList(() => ClientSection, NO_CLIENT)
  readonly clients: readonly ClientSection[] = [];

  /** More files, of many teams. */
  @Optional()
  @Section(() => ConfigDirSection)
  readonly configDir?: ConfigDirSection;

  /** Left out: callers have API keys only. */
  @Optional()
  @Section(() => IdentitiesSection)
  readonly identities?: IdentitiesSection;

  /** Of the clients that have none of their own. */
  @Section(() => RateSection)
  readonly rate: RateSection = new RateSection();

  @Section(() => AuthSection)
  readonly auth: AuthSection = new AuthSection();

  @Section(() => LimitsSection)
  readonly limits: LimitsSection = new LimitsSection();

  @Section(() => GatewaySection)
  readonly gateway: GatewaySection = new GatewaySection();

  /** Of the apps that have none of their own. */
  @Section(() => EgressSection)
  readonly egress: EgressSection = new EgressSection();

  /** Left out: there is no console. */
  @Optional()
  @Section(() => ConsoleSection)
  @InChart({ type: 'null' })
  readonly console?: ConsoleSection;

  /** Hash of the file's text and of the texts of `configDir`, in the order of their names, in hex; null without a file. */
  sha256: string | null = null;

  /** What was put right, and should be by those who wrote it. Holds no secret. */
  warnings: readonly Fault[] = [];

  egressOf(app: AppSection): EgressSection {
    return app.egress ?? this.egress;
  }
}

function checkTrustProxy(value: unknown): string | readonly string[] | undefined {
  if (value === false) return undefined;
  if (value === true) {
    return 'would let every caller say which address it has; list your proxies instead, such as [10.0.0.0/8]';
  }
  if (typeof value === 'number') {
    return 'a number of hops is ignored by the HTTP server; list your proxies instead, such as [10.0.0.0/8]';
  }
  if (!Array.isArray(value)) return problem('false or a list of addresses and CIDRs', value);
  return checkEntries(value, (entry) =>
    isNetwork(entry) ? undefined : problem('an address or a CIDR, such as 10.0.0.0/8', entry),
  );
}

function isNetwork(entry: unknown): boolean {
  if (typeof entry !== 'string') return false;
  if (RANGES.includes(entry)) return true;
  const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(bits ?? 0) <= (family === 4 ? 32 : 128);
}

function checkHeaders(value: unknown): string | readonly string[] | undefined {
  if (!isMapping(value)) return shapeProblem('a mapping (header: where its value is)', value);
  return Object.entries(value).flatMap(([name, header]) => {
    if (!HEADER_NAME.test(name))
      return ['has a header, not shown, whose name has other characters than letters, digits and dashes'];
    const fault = secretFault(header);
    return fault === undefined ? [] : [`.${isWordLike(name) ? name : '(a header not shown)'}: ${fault}`];
  });
}
