import { PLATFORMS } from '../platforms/registry.js';
import { AppSection } from './app.section.js';
import { ClientSection } from './client.section.js';
import { ConfigDirSection } from './config-dir.section.js';
import { EgressSection } from './egress.section.js';
import { isWordLike, problem, shapeProblem, type Fault } from './faults.js';
import { IdentitiesSection } from './identities.section.js';
import {
  About,
  Check,
  Fraction,
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
import { EncryptionSection, RedisSection } from './redis.section.js';
import type { Secret } from './secret.js';
import { ServerSection } from './server.section.js';
import { headerForm } from './secret-text.js';
import { isMapping } from './values.js';

const AUDITED_READS = ['sampled', 'all', 'none'] as const;
const PER_APP = ['all', 'problems', 'none'] as const;
const PER_APP_FORM = 'one of all, problems, none, or false';
/** The names of headers that HTTP allows and people use. */
const HEADER_NAME = /^[A-Za-z0-9-]{1,64}$/;
const NO_APP =
  'no app is configured: without a file set BROKER_APP_ID and BROKER_APP_SECRET, else list one in the file that BROKER_CONFIG names';
const NO_CLIENT =
  'no caller is configured: without a file set BROKER_API_KEY, else list one with keySha256 in the file that BROKER_CONFIG names; ' +
  '`access-token-broker keygen` (also `npm run keygen`) makes a key';

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

/** What all calls through the gateway have in common. */
export class GatewaySection {
  @About('calls of one app that a replica has under way at the same time; more are refused with 429')
  @WholeNumber(1, 100_000)
  readonly maxInFlightPerApp: number = 512;

  @About('until the first byte of the answer of a platform', "the app's `refresh.upstreamTimeoutSeconds`")
  @Optional()
  @Seconds({ max: 3600 })
  readonly timeoutSeconds?: number;

  @About(
    'the absolute path of a directory, where a body that comes without its length is kept from its second MiB on',
    "the system's, mostly `/tmp`",
  )
  @Optional()
  @Text(/^\/.{0,1000}$/, 'the absolute path of a directory')
  readonly spoolDirectory?: string;
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

function checkHeaders(value: unknown): string | readonly string[] | undefined {
  if (!isMapping(value)) return shapeProblem('a mapping (header: where its value is)', value);
  return Object.entries(value).flatMap(([name, header]) => {
    if (!HEADER_NAME.test(name))
      return ['has a header, not shown, whose name has other characters than letters, digits and dashes'];
    const fault = secretFault(header);
    return fault === undefined ? [] : [`.${isWordLike(name) ? name : '(a header not shown)'}: ${fault}`];
  });
}
