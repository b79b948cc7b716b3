import { randomBytes } from 'node:crypto';
import { Refusal } from '../../refusal.js';

const REMEMBERED = 100_000;
/** With the prefix: 88 and 110 characters, as live ones. */
const ACCESS_TOKEN_BYTES = 63;
const REFRESH_TOKEN_CHARACTERS = 107;

/** What a user granted to an app, and the tokens that stand for it. */
export interface UserGrant {
  readonly appId: string;
  readonly openid: string;
  readonly scopes: readonly string[];
  readonly refreshExpiresAtMs: number;
  accessToken: string;
  refreshToken: string;
  expiresAtMs: number;
  /** The user has changed the password. */
  revoked: boolean;
}

interface Lives {
  readonly lifeMs: number;
  readonly refreshTokenLifeMs: number;
  readonly refreshTokens: 'kept' | 'rotated';
}

/** The tokens of users, which have nothing to do with an app's own token. Several grants of a user live side by side. */
export class UserTokens {
  readonly #byAccessToken = new Map<string, UserGrant>();
  readonly #byRefreshToken = new Map<string, UserGrant>();

  constructor(private readonly lives: Lives) {}

  grant({ appId, openid, scopes }: Pick<UserGrant, 'appId' | 'openid' | 'scopes'>, nowMs: number): UserGrant {
    const { lifeMs, refreshTokenLifeMs } = this.lives;
    const grant: UserGrant = {
      ...{ appId, openid, scopes, revoked: false },
      ...{ accessToken: newAccessToken(), expiresAtMs: nowMs + lifeMs },
      ...{ refreshToken: newRefreshToken(), refreshExpiresAtMs: nowMs + refreshTokenLifeMs },
    };
    remember(this.#byAccessToken, grant.accessToken, grant);
    remember(this.#byRefreshToken, grant.refreshToken, grant);
    return grant;
  }

  /** A token that has not expired keeps its value and gets a new life. Throws a Refusal. */
  refresh(refreshToken: string, appId: string, nowMs: number): UserGrant {
    const grant = this.#byRefreshToken.get(refreshToken);
    if (grant?.appId !== appId || grant.refreshToken !== refreshToken) throw new Refusal(40030);
    if (nowMs >= grant.refreshExpiresAtMs) throw new Refusal(42002);
    if (grant.revoked) throw new Refusal(42007);
    if (nowMs >= grant.expiresAtMs) {
      grant.accessToken = newAccessToken();
      remember(this.#byAccessToken, grant.accessToken, grant);
    }
    grant.expiresAtMs = nowMs + this.lives.lifeMs;
    if (this.lives.refreshTokens === 'rotated') {
      grant.refreshToken = newRefreshToken();
      remember(this.#byRefreshToken, grant.refreshToken, grant);
    }
    return grant;
  }

  /** The grant that a token opens. Throws a Refusal. */
  check(accessToken: string, openid: string, nowMs: number): UserGrant {
    if (accessToken === '') throw new Refusal(41001);
    const grant = this.find(accessToken);
    if (!grant) throw new Refusal(40001);
    if (grant.revoked) throw new Refusal(42007);
    if (grant.accessToken !== accessToken || nowMs >= grant.expiresAtMs) throw new Refusal(42001);
    if (grant.openid !== openid) throw new Refusal(40003);
    return grant;
  }

  find(accessToken: string): UserGrant | undefined {
    return this.#byAccessToken.get(accessToken);
  }

  /** Returns how many grants end by it. */
  revoke(appId: string, openid: string): number {
    const doomed = [...new Set(this.#byRefreshToken.values())].filter(
      (grant) => grant.appId === appId && grant.openid === openid && !grant.revoked,
    );
    for (const grant of doomed) grant.revoked = true;
    return doomed.length;
  }
}

function remember(grants: Map<string, UserGrant>, key: string, grant: UserGrant): void {
  grants.set(key, grant);
  for (const oldest of grants.keys()) {
    if (grants.size <= REMEMBERED) break;
    grants.delete(oldest);
  }
}

function newAccessToken(): string {
  return `83_${randomBytes(ACCESS_TOKEN_BYTES).toString('base64url')}0`;
}

function newRefreshToken(): string {
  return `83_${randomBytes(ACCESS_TOKEN_BYTES + 20)
    .toString('base64url')
    .slice(0, REFRESH_TOKEN_CHARACTERS)}`;
}
