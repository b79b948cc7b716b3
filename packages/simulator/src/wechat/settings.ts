import { ControlInputError, isIpList, isOneOf, numberOption } from '../input-checks.js';
import { steadyNow } from '../time.js';
import {
  APP_TYPES,
  loginSettingsFrom,
  type AppType,
  type LoginOptions,
  type LoginSettings,
} from './login/login-settings.js';

/** The checks of the token endpoints that can be reordered; the quotas always come last. */
export type TokenCheck = 'grant_type' | 'appid' | 'secret' | 'state' | 'ip';

export interface SimulatedApp {
  readonly appId: string;
  readonly appSecret: string;
  /** official_account. */
  readonly type?: AppType | undefined;
  /** Its users have a unionid: yes. */
  readonly boundToOpenPlatform?: boolean | undefined;
  /** Hosts, or hosts with the beginning of a path, to which the page sends users back; left out: all. Two at most. */
  readonly callbackDomains?: readonly string[] | undefined;
  /** Instead of the simulator's. */
  readonly ipWhitelist?: readonly string[] | undefined;
  /** Paths of APIs that this app was not granted: 48001. */
  readonly unauthorizedPaths?: readonly string[] | undefined;
}

/** Times in seconds take fractions. */
export interface SimulatorOptions extends LoginOptions {
  /** Default: one app, `DEFAULT_APP`. */
  readonly apps?: readonly SimulatedApp[] | undefined;
  /** Life of a token, 7200; at least 1, because answers round down to a whole second above 0. Ticket windows last as long. */
  readonly expiresInSeconds?: number | undefined;
  /** Overlap of classic tokens, and how long ahead of expiry the stable token is replaced. 300 of 7200; scaled with expiresInSeconds. */
  readonly graceSeconds?: number | undefined;
  /** A sandbox account: 200 classic fetches a day, unless dayQuota is given. */
  readonly sandbox?: boolean | undefined;
  /** Classic fetches a day, 2000. */
  readonly dayQuota?: number | undefined;
  /** Classic fetches in a clock minute; no limit. */
  readonly minuteQuota?: number | undefined;
  /** 500,000. */
  readonly stableDayQuota?: number | undefined;
  /** 10,000. */
  readonly stableMinuteQuota?: number | undefined;
  /** Calls of each business API a day, 5,000,000. */
  readonly businessDayQuota?: number | undefined;
  /** clear_quota calls in a month, 10. */
  readonly clearQuota?: number | undefined;
  /** Forced refreshes a day, 20. */
  readonly forceQuota?: number | undefined;
  /** Between two forced refreshes, 30. */
  readonly forceIntervalSeconds?: number | undefined;
  /** A forced refresh too soon: the same token (by the documentation), or 45011. */
  readonly forceTooSoon?: 'same_token' | 'error' | undefined;
  /** What the old stable token has left after a forced refresh, 0. */
  readonly stableForceGraceSeconds?: number | undefined;
  /** Callers allowed to fetch tokens; left out: all. */
  readonly ipWhitelist?: readonly string[] | undefined;
  /** 40125 today, 40001 in older reports. */
  readonly wrongSecretErrcode?: 40125 | 40001 | undefined;
  /** Past its overlap, an overwritten token is still accepted at every second call until its own expiry. The oracle calls it dead. */
  readonly flakyOverlap?: boolean | undefined;
  /** A path that does not exist: HTTP 404 with HTML, or errcode 40066. Neither is verified. */
  readonly unknownPath?: 'html' | 'errcode' | undefined;
  /** Default: grant_type, appid, secret, state, ip. */
  readonly checkOrder?: readonly TokenCheck[] | undefined;
  /** Milliseconds since the Unix epoch; must not go back. Injected delays run on real timers whatever it says. */
  readonly now?: (() => number) | undefined;
}

export interface Settings {
  readonly apps: readonly SimulatedApp[];
  readonly lifeMs: number;
  readonly graceMs: number;
  readonly dayQuota: number;
  readonly minuteQuota: number;
  readonly stableDayQuota: number;
  readonly stableMinuteQuota: number;
  readonly businessDayQuota: number;
  readonly clearQuota: number;
  readonly forceQuota: number;
  readonly forceIntervalMs: number;
  readonly forceTooSoon: 'same_token' | 'error';
  readonly stableForceGraceMs: number;
  readonly ipWhitelist: readonly string[] | undefined;
  readonly wrongSecretErrcode: number;
  readonly flakyOverlap: boolean;
  readonly unknownPath: 'html' | 'errcode';
  readonly checkOrder: readonly TokenCheck[];
  readonly login: LoginSettings;
  readonly now: () => number;
}

/** Belongs to nobody; any caller of a simulator with default settings may use it. */
export const DEFAULT_APP: SimulatedApp = {
  appId: 'wx5131a70b6f1e9a2d',
  appSecret: '4f1c0d9e7ab36258c1e09d47fb83a625',
};

const MS = 1000;
const MAX_CALLBACK_DOMAINS = 2;
const USUAL_LIFE_SECONDS = 7200;
const GRACE_PART_OF_LIFE = 300 / USUAL_LIFE_SECONDS;

/** Fills in what is left out. Throws a ControlInputError that names the first option at fault. */
export function settingsFrom(options: SimulatorOptions): Settings {
  const lifeSeconds = numberOption(options, 'expiresInSeconds', USUAL_LIFE_SECONDS, 1);
  const graceSeconds = numberOption(options, 'graceSeconds', lifeSeconds * GRACE_PART_OF_LIFE);
  if (graceSeconds >= lifeSeconds) {
    throw new ControlInputError('graceSeconds: must be shorter than expiresInSeconds');
  }
  if (options.apps?.length === 0) throw new ControlInputError('apps: must name at least one app');
  for (const { type = 'official_account', callbackDomains = [] } of options.apps ?? []) {
    const unknown = isOneOf(...APP_TYPES)(type);
    if (unknown) throw new ControlInputError(`type: ${unknown}`);
    if (callbackDomains.length > MAX_CALLBACK_DOMAINS) {
      throw new ControlInputError(`callbackDomains: at most ${String(MAX_CALLBACK_DOMAINS)}`);
    }
  }
  const complaint = isIpList(options.ipWhitelist ?? null);
  if (complaint) throw new ControlInputError(`ipWhitelist: ${complaint}`);
  const { wrongSecretErrcode = 40125 } = options;
  const fault = isOneOf(40125, 40001)(wrongSecretErrcode);
  if (fault) throw new ControlInputError(`wrongSecretErrcode: ${fault}`);
  return {
    apps: options.apps ?? [DEFAULT_APP],
    lifeMs: lifeSeconds * MS,
    graceMs: graceSeconds * MS,
    dayQuota: numberOption(options, 'dayQuota', options.sandbox ? 200 : 2000),
    minuteQuota: numberOption(options, 'minuteQuota', Number.POSITIVE_INFINITY),
    stableDayQuota: numberOption(options, 'stableDayQuota', 500_000),
    stableMinuteQuota: numberOption(options, 'stableMinuteQuota', 10_000),
    businessDayQuota: numberOption(options, 'businessDayQuota', 5_000_000),
    clearQuota: numberOption(options, 'clearQuota', 10),
    forceQuota: numberOption(options, 'forceQuota', 20),
    forceIntervalMs: numberOption(options, 'forceIntervalSeconds', 30) * MS,
    forceTooSoon: options.forceTooSoon ?? 'same_token',
    stableForceGraceMs: numberOption(options, 'stableForceGraceSeconds', 0) * MS,
    ipWhitelist: options.ipWhitelist,
    wrongSecretErrcode,
    flakyOverlap: options.flakyOverlap ?? false,
    unknownPath: options.unknownPath ?? 'html',
    checkOrder: options.checkOrder ?? ['grant_type', 'appid', 'secret', 'state', 'ip'],
    login: loginSettingsFrom(options, lifeSeconds / USUAL_LIFE_SECONDS),
    now: options.now ?? steadyNow,
  };
}
