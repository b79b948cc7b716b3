import { EgressSection } from './egress.section.js';
import { isWordLike } from './faults.js';
import { About, Check, Flag, Optional, Seconds, Section, Text, WholeNumber } from './keys.js';
import type { LoginSection } from './login.section.js';
import type { AppType } from '../core/ports/login-provider.js';
import type { Secret } from './secret.js';

/** The form of the names of apps and callers: they appear in URLs, metrics and Redis keys. */
export const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;
export const NAME_FORM =
  'a name of up to 63 lower-case letters, digits, dots, dashes and underscores, a letter or digit first';

/** The lease has to outlive the slowest call by this much. */
const LEASE_MARGIN_SECONDS = 1;
/** The largest quota of a platform: WeChat's, of the stable grant. */
const MAX_BUDGET = 500_000;

export class RefreshSection {
  @About(
    'fetch this long before the token expires; at most half of its life. Where the platform gives the same token until near its end, as WeChat does with the stable grant until 300 s are left, more only costs calls',
    'by platform; WeChat: stable 270, classic 900',
  )
  @Optional()
  @Seconds()
  aheadSeconds!: number;

  @About('spread over replicas, either way; at most a tenth of the life', '20')
  @Optional()
  @Seconds({ zero: true })
  jitterSeconds!: number;

  @About(
    "all fetches of a day of the platform (WeChat's is of UTC+8), over all replicas. One app needs 13 to 15",
    '200',
  )
  @Optional()
  @WholeNumber(1, MAX_BUDGET)
  dailyBudget!: number;

  @About(
    "0 to `dailyBudget`: a day's limit for each of three: what `token:admin` forces, which counts against nothing else; WeChat's `force_refresh`, when it hands a dead token out again; reports that the platform neither confirms nor contradicts, half of them for one client. A reported token that the platform refuses only counts as a fetch",
    '20, or a smaller `dailyBudget`',
  )
  @Optional()
  @WholeNumber(0, MAX_BUDGET)
  @Check(checkForced)
  forcedDailyBudget!: number;

  @About(
    'try a reported token at the platform before it is replaced, and one found in Redis at the start before it is served',
    'true',
  )
  @Optional()
  @Flag()
  verifyReports!: boolean;

  @About('for one request to the platform')
  @Seconds({ max: 3600 })
  readonly upstreamTimeoutSeconds: number = 8;

  @About('how long one replica may fetch alone; at least 1 more than the timeout')
  @Seconds({ max: 7200 })
  @Check(checkLease)
  readonly leaseSeconds: number = 15;

  @About(
    'how often a replica asks Redis which apps have changed, and reads those; the longest that a lost message can cost as a rule. Every app is read within 250 s',
  )
  @Seconds({ max: 3600 })
  readonly reconcileSeconds: number = 5;
}

/** The keys about the renewal of a token, whose defaults are the platform's. */
export const RENEWAL_KEYS = [
  'aheadSeconds',
  'jitterSeconds',
  'dailyBudget',
  'forcedDailyBudget',
  'verifyReports',
] as const;

/** How a credential is kept alive unless the app's `refresh` says otherwise. */
export type RefreshDefaults = Pick<RefreshSection, (typeof RENEWAL_KEYS)[number]>;

/** Gives the keys that were left out the defaults of the platform. */
export function completeRefresh(refresh: Partial<RefreshSection>, defaults: RefreshDefaults): void {
  refresh.aheadSeconds ??= defaults.aheadSeconds;
  refresh.jitterSeconds ??= defaults.jitterSeconds;
  refresh.dailyBudget ??= defaults.dailyBudget;
  refresh.forcedDailyBudget ??= Math.min(defaults.forcedDailyBudget, refresh.dailyBudget);
  refresh.verifyReports ??= defaults.verifyReports;
}

/** What every app has. The section of a platform extends it, with keys of its own. */
export abstract class AppSection {
  @About('what callers ask for; also the label in metrics')
  @Text(NAME, NAME_FORM)
  readonly name!: string;

  /** The id of the platform. */
  @About('the platform; it decides which keys the app has besides these', '`wechat`')
  @Optional()
  abstract readonly provider: string;

  @Section(() => RefreshSection)
  readonly refresh: RefreshSection = new RefreshSection();

  @About(
    'the way out for this app alone, with the keys of [`egress`](#egress), of which nothing holds then',
    '`egress`',
  )
  @Optional()
  @Section(() => EgressSection)
  readonly egress?: EgressSection;

  /** The app's id at the platform. It is no secret: it names the app's state in the store, and `GET /apps` shows it. */
  abstract readonly appId: string;
  /** How the platform gives this app tokens; a word of the platform. Means nothing for an app without credentials. */
  abstract readonly grant: string;
  /** Of a platform whose apps differ in how users log in. */
  declare readonly type?: AppType;
  /** Of a platform where users can log in. */
  declare readonly login?: LoginSection;
  abstract readonly appSecret: Secret;
  /** Where the platform is; without a slash at its end. */
  abstract readonly apiBaseUrl: string;

  /** What people are shown of `appId`. An id of no fixed form may be a secret in the wrong place; a platform whose ids have one overrides this. */
  get shownId(): string {
    return isWordLike(this.appId) ? this.appId : 'an id not shown, it may be a secret';
  }

  /** What `check` and the log say that it is. */
  get shownKind(): string {
    return this.grant;
  }

  /** Whether ids of the platform have a fixed form, so that none is a secret in the wrong place. */
  get hasIdForm(): boolean {
    return this.shownId === this.appId && !isWordLike(this.appId);
  }

  /**
   * What is wrong with two apps of one platform in one file, whose fetches would kill each other's tokens, or one of
   * which has a wrong secret. Neither need be valid. Asked of apps with the same `appId`.
   *
   * @param earlier the other app, which stands at the place `path` in the file
   */
  conflictWith?(earlier: AppSection, path: string): Conflict | undefined;
}

/** What is wrong with one key of a section. */
export interface Conflict {
  readonly key: string;
  readonly text: string;
}

function checkForced(forced: unknown, section: object): string | undefined {
  if (!(section instanceof RefreshSection) || typeof forced !== 'number') return undefined;
  const { dailyBudget = MAX_BUDGET } = section as Partial<RefreshSection>;
  return forced > dailyBudget
    ? `must be at most dailyBudget: ${forced} is more than ${dailyBudget}`
    : undefined;
}

function checkLease(lease: unknown, section: object): string | undefined {
  if (!(section instanceof RefreshSection) || typeof lease !== 'number') return undefined;
  const { upstreamTimeoutSeconds: timeout } = section;
  // Not "lease < timeout + margin": 0.1 + 1 is not 1.1 in floating point.
  if (typeof timeout !== 'number' || lease - timeout > LEASE_MARGIN_SECONDS - 1e-9) return undefined;
  return `must exceed upstreamTimeoutSeconds by at least ${LEASE_MARGIN_SECONDS}: ${lease} against ${timeout}; raise it or lower upstreamTimeoutSeconds`;
}
