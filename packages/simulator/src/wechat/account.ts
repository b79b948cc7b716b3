import type { AccountState } from './account-state.js';
import type { Calendar } from './calendar.js';
import { ClassicFamily } from './classic-family.js';
import type { IssuedToken } from '../issued-token.js';
import { PeriodCounter } from '../period-counter.js';
import { Quota, type QuotaLimits } from './quota.js';
import { Refusal } from '../refusal.js';
import type { Settings, SimulatedApp } from './settings.js';
import { StableFamily } from './stable-family.js';
import type { TokenLedger } from '../token-ledger.js';
import { UserBook } from '../login/user-book.js';
import { openidPattern } from './login/openid-pattern.js';
import type { AppType } from './login/login-settings.js';

/** `classic`: GET /cgi-bin/token. `stable`: POST /cgi-bin/stable_token. They live side by side. */
export type Family = 'classic' | 'stable';

/** Where each family is fetched. */
export const TOKEN_PATHS: Readonly<Record<Family, string>> = {
  classic: '/cgi-bin/token',
  stable: '/cgi-bin/stable_token',
};

export function isTokenPath(path: string): boolean {
  return Object.values(TOKEN_PATHS).includes(path);
}

/** What the platform keeps for one app. */
export class Account {
  readonly appId: string;
  readonly type: AppType;
  readonly users: UserBook;
  readonly callbackDomains: readonly string[] | undefined;
  readonly unauthorizedPaths: readonly string[];
  readonly classic: ClassicFamily;
  readonly stable: StableFamily;
  state: AccountState = 'ok';
  appSecret: string;
  ipWhitelist: readonly string[] | undefined;
  readonly #clears: PeriodCounter;
  readonly #quotas = new Map<string, Quota>();

  constructor(
    app: SimulatedApp,
    ledger: TokenLedger,
    private readonly settings: Settings,
    private readonly calendar: Calendar,
  ) {
    this.appId = app.appId;
    this.callbackDomains = app.callbackDomains;
    this.type = app.type ?? 'official_account';
    this.users = new UserBook(app.appId, openidPattern(app.boundToOpenPlatform ?? true));
    for (const openid of settings.login.users) this.users.put({ openid });
    this.appSecret = app.appSecret;
    this.unauthorizedPaths = app.unauthorizedPaths ?? [];
    this.ipWhitelist = app.ipWhitelist ?? settings.ipWhitelist;
    this.classic = new ClassicFamily(app.appId, ledger, settings);
    this.stable = new StableFamily(app.appId, ledger, settings, calendar);
    this.#clears = new PeriodCounter(settings.clearQuota, (ms) => calendar.month(ms));
  }

  /** Within the quotas; throws a Refusal otherwise. `force` means something to the stable family only. */
  issue(family: Family, issuedTo: IssuedToken['issuedTo'], nowMs: number, force: boolean): IssuedToken {
    this.quota(TOKEN_PATHS[family]).take(nowMs);
    return family === 'classic'
      ? this.classic.issue(issuedTo, nowMs)
      : this.stable.issue(issuedTo, nowMs, force);
  }

  quota(path: string): Quota {
    const known = this.#quotas.get(path);
    if (known) return known;
    const quota = new Quota(this.#limits(path), this.calendar);
    this.#quotas.set(path, quota);
    return quota;
  }

  /** Clears the day quotas of all paths; forced refreshes are not a quota that can be cleared. */
  clearQuotas(nowMs: number): void {
    if (this.#clears.isSpent(nowMs)) throw new Refusal(48006);
    this.#clears.count(nowMs);
    for (const quota of this.#quotas.values()) quota.day.clear();
  }

  #limits(path: string): QuotaLimits {
    const { settings } = this;
    switch (path) {
      case TOKEN_PATHS.classic:
        return { perDay: settings.dayQuota, perMinute: settings.minuteQuota };
      case TOKEN_PATHS.stable:
        return { perDay: settings.stableDayQuota, perMinute: settings.stableMinuteQuota };
      default:
        return { perDay: settings.businessDayQuota, perMinute: Number.POSITIVE_INFINITY };
    }
  }
}
