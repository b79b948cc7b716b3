import { ControlInputError, isIpList, isOneOf, numberOption } from '../input-checks.js';
import { steadyNow } from '../time.js';

/** One app of a corp ("agent"): the secret belongs to it alone. */
export interface SimulatedAgent {
  readonly corpId: string;
  readonly corpSecret: string;
  readonly agentId: string;
  /** Instead of the simulator's. */
  readonly trustedIps?: readonly string[] | undefined;
}

/** What nobody outside of WeCom knows for certain is a switch; the default is the documented or the likelier reading. */
export interface WecomOptions {
  /** Default: one, `DEFAULT_AGENT`. */
  readonly apps?: readonly SimulatedAgent[] | undefined;
  /** Life of a token and of a ticket, 7200; at least 1. */
  readonly expiresInSeconds?: number | undefined;
  /** `expires_in` of a token that is handed out again: what is left, rounded down (0 in the last second), or the full life. */
  readonly repeatedLife?: 'rest' | 'full' | undefined;
  /** How long after the expiry of a token the platform has no new one, 0. */
  readonly holeSeconds?: number | undefined;
  /** What gettoken does in that time: answers late (real time), hands out the expired token, or says -1. */
  readonly inHole?: 'late' | 'same_token' | 'busy' | undefined;
  /** What a business call with a dead token is told: 42001. Garbage is 40014 in any case. */
  readonly deadTokenErrcode?: 42001 | 40014 | 40001 | undefined;
  /** What gettoken gives after a token died before its time: a new one, or the dead one until its expiry. */
  readonly afterEarlyDeath?: 'new' | 'same' | undefined;
  /** 40001; 40091 stands in the list as well. */
  readonly wrongSecretErrcode?: 40001 | 40091 | undefined;
  /** Callers of business calls; left out: all. */
  readonly trustedIps?: readonly string[] | undefined;
  /** Whether an address that is not trusted hides (60020) that the token is dead: no. */
  readonly ipCheck?: 'after_token' | 'before_token' | undefined;
  /** Whether gettoken checks the address as well: no. */
  readonly ipCheckAtGettoken?: boolean | undefined;
  /** Some APIs leave errcode and errmsg out of a success; here get_api_domain_ip: no. */
  readonly successWithoutErrcode?: boolean | undefined;
  /** Refused gettoken calls of a corp in an hour, after which it is blocked for an hour, 2000. */
  readonly failedFetchQuota?: number | undefined;
  /** Calls of one API by one corp, 10,000 a minute and 150,000 an hour. */
  readonly corpMinuteQuota?: number | undefined;
  readonly corpHourQuota?: number | undefined;
  /** Calls of one address in a minute, 20,000. */
  readonly ipMinuteQuota?: number | undefined;
  /** Fetches of each kind of ticket in an hour: 400 by a corp, 100 by an app. */
  readonly corpTicketQuota?: number | undefined;
  readonly appTicketQuota?: number | undefined;
  /** Milliseconds since the Unix epoch; must not go back. Delays run on real timers whatever it says. */
  readonly now?: (() => number) | undefined;
}

export interface WecomSettings {
  readonly apps: readonly SimulatedAgent[];
  readonly lifeMs: number;
  readonly repeatedLife: 'rest' | 'full';
  readonly holeMs: number;
  readonly inHole: 'late' | 'same_token' | 'busy';
  readonly deadTokenErrcode: number;
  readonly afterEarlyDeath: 'new' | 'same';
  readonly wrongSecretErrcode: number;
  readonly trustedIps: readonly string[] | undefined;
  readonly ipCheck: 'after_token' | 'before_token';
  readonly ipCheckAtGettoken: boolean;
  readonly successWithoutErrcode: boolean;
  readonly failedFetchQuota: number;
  readonly corpMinuteQuota: number;
  readonly corpHourQuota: number;
  readonly ipMinuteQuota: number;
  readonly corpTicketQuota: number;
  readonly appTicketQuota: number;
  readonly now: () => number;
}

/** Belongs to nobody; any caller of a simulator with default settings may use it. */
export const DEFAULT_AGENT: SimulatedAgent = {
  corpId: 'ww3c1f87e5d2b94a60',
  corpSecret: 'mB7xQ2cVtY9hKp4nRz6sWdLf3gJ8uEa1oXiN5rT0yCk',
  agentId: '1000002',
};

const CHOICES = {
  repeatedLife: isOneOf('rest', 'full'),
  inHole: isOneOf('late', 'same_token', 'busy'),
  afterEarlyDeath: isOneOf('new', 'same'),
  ipCheck: isOneOf('after_token', 'before_token'),
  deadTokenErrcode: isOneOf(42001, 40014, 40001),
  wrongSecretErrcode: isOneOf(40001, 40091),
  trustedIps: isIpList,
} as const;

/** Fills in what is left out. Throws a ControlInputError that names the first option at fault. */
export function settingsFrom(options: WecomOptions): WecomSettings {
  for (const [name, check] of Object.entries(CHOICES)) {
    const value = options[name as keyof typeof CHOICES];
    const complaint = value === undefined ? undefined : check(value);
    if (complaint) throw new ControlInputError(`${name}: ${complaint}`);
  }
  if (options.apps?.length === 0) throw new ControlInputError('apps: must name at least one app');
  return {
    apps: options.apps ?? [DEFAULT_AGENT],
    lifeMs: numberOption(options, 'expiresInSeconds', 7200, 1) * 1000,
    repeatedLife: options.repeatedLife ?? 'rest',
    holeMs: numberOption(options, 'holeSeconds', 0) * 1000,
    inHole: options.inHole ?? 'late',
    deadTokenErrcode: options.deadTokenErrcode ?? 42001,
    afterEarlyDeath: options.afterEarlyDeath ?? 'new',
    wrongSecretErrcode: options.wrongSecretErrcode ?? 40001,
    trustedIps: options.trustedIps,
    ipCheck: options.ipCheck ?? 'after_token',
    ipCheckAtGettoken: options.ipCheckAtGettoken ?? false,
    successWithoutErrcode: options.successWithoutErrcode ?? false,
    failedFetchQuota: numberOption(options, 'failedFetchQuota', 2000),
    corpMinuteQuota: numberOption(options, 'corpMinuteQuota', 10_000),
    corpHourQuota: numberOption(options, 'corpHourQuota', 150_000),
    ipMinuteQuota: numberOption(options, 'ipMinuteQuota', 20_000),
    corpTicketQuota: numberOption(options, 'corpTicketQuota', 400),
    appTicketQuota: numberOption(options, 'appTicketQuota', 100),
    now: options.now ?? steadyNow,
  };
}
