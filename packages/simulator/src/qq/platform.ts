import { randomBytes } from 'node:crypto';
import { CallLog } from '../call-log.js';
import type { IssuedToken } from '../issued-token.js';
import { CodeBook } from '../login/code-book.js';
import type { UserSpec } from '../login/user-book.js';
import { TokenLedger } from '../token-ledger.js';
import { QqApp } from './qq-app.js';
import { QqError } from './qq-error.js';
import type { QqSettings } from './settings.js';

/** The one kind of token that there is: a user's. */
export const FAMILY = 'user';

const ID_BYTES = 16;

/** What a user consented to, which their code stands for. */
export interface QqConsent {
  readonly openid: string;
  readonly scope: string;
  /** Has to be repeated when the code is exchanged. */
  readonly redirectUri: string;
}

/** What a user granted to an app, whatever token stands for it at the time. */
interface QqGrant {
  readonly appId: string;
  readonly openid: string;
  readonly scope: string;
  /** The only one that works. */
  refreshToken: string;
  /** The user took the grant back. */
  cancelled: boolean;
}

export interface IssuedTokens {
  readonly token: IssuedToken;
  readonly grant: Readonly<QqGrant>;
}

/** All that the simulated platform remembers. */
export class Platform {
  readonly ledger = new TokenLedger(newToken);
  readonly calls = new CallLog();
  readonly codes: CodeBook<QqConsent>;
  readonly #apps: ReadonlyMap<string, QqApp>;
  readonly #byAccessToken = new Map<string, QqGrant>();
  readonly #byRefreshToken = new Map<string, QqGrant>();

  constructor(readonly settings: QqSettings) {
    this.codes = new CodeBook(newToken, settings.codeLifeMs);
    this.#apps = new Map(settings.apps.map((app) => [app.appId, new QqApp(app, settings)]));
  }

  app(appId: string): QqApp | undefined {
    return this.#apps.get(appId);
  }

  hasApp(appId: string): boolean {
    return this.#apps.has(appId);
  }

  createCode(app: QqApp, user: UserSpec, consent: Omit<QqConsent, 'openid'>, nowMs: number): string {
    return this.codes.mint(app.appId, { ...consent, openid: app.users.put(user).openid }, nowMs);
  }

  grant(appId: string, { openid, scope }: QqConsent, nowMs: number): IssuedTokens {
    return this.#issue({ appId, openid, scope, refreshToken: '', cancelled: false }, nowMs);
  }

  /** A refresh_token works once. Throws a QqError. */
  refresh(appId: string, refreshToken: string, nowMs: number): IssuedTokens {
    const grant = this.#byRefreshToken.get(refreshToken);
    if (grant?.appId !== appId || grant.refreshToken !== refreshToken || grant.cancelled) {
      throw new QqError(100021);
    }
    return this.#issue(grant, nowMs);
  }

  /** The grant that a token opens. Throws a QqError. */
  check(accessToken: string, nowMs: number): Readonly<QqGrant> {
    if (accessToken === '') throw new QqError(100007);
    const token = this.ledger.find(accessToken);
    const grant = this.#byAccessToken.get(accessToken);
    if (!token || !grant) throw new QqError(100016);
    if (grant.cancelled) throw new QqError(100013);
    const fate = token.fateAt(nowMs);
    if (fate !== 'valid') throw new QqError(fate === 'expired' ? 100014 : 100015);
    return grant;
  }

  /** The user takes back what was granted. Returns how many grants end by it. */
  cancel(appId: string, openid: string): number {
    const doomed = [...new Set(this.#byAccessToken.values())].filter(
      (grant) => grant.appId === appId && grant.openid === openid && !grant.cancelled,
    );
    for (const grant of doomed) grant.cancelled = true;
    return doomed.length;
  }

  /** Tokens from before live on. */
  #issue(grant: QqGrant, nowMs: number): IssuedTokens {
    const { appId, openid, scope } = grant;
    const details = { openid, scope };
    const issue = { appId, family: FAMILY, issuedTo: 'caller', details } as const;
    const token = this.ledger.mint(issue, nowMs, this.settings.lifeMs);
    grant.refreshToken = newToken();
    this.#byAccessToken.set(token.value, grant);
    this.#byRefreshToken.set(grant.refreshToken, grant);
    return { token, grant };
  }
}

function newToken(): string {
  return randomBytes(ID_BYTES).toString('hex').toUpperCase();
}
