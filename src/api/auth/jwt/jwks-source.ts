import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../../core/ports/clock.js';
import type { IdentityObserver } from '../../common/ports.js';

/** For an unknown key, and after a fetch that failed. */
const REFETCH_PAUSE_MS = 30_000;
/** Then the keys are fetched again, behind the requests: one that its issuer took back is gone. */
const FRESH_MS = 600_000;

/** The public keys of one issuer. */
export interface Jwks {
  /** `undefined` when none can be had. */
  current(): Promise<JWTVerifyGetKey | undefined>;
  /** Keys that may be newer than those that had no fitting one; `undefined` when there are none. */
  newer(): Promise<JWTVerifyGetKey | undefined>;
  /** Why the newest could not be had; null if nothing went wrong. */
  readonly fault: string | null;
  /** Until they are asked for again. */
  readonly retryAfterSeconds: number;
}

/** Keys that stand in the configuration, or in a file that it names. */
export class FixedJwks implements Jwks {
  readonly fault = null;
  readonly retryAfterSeconds = 0;
  private keys: JWTVerifyGetKey;

  constructor(jwks: JSONWebKeySet) {
    this.keys = createLocalJWKSet(jwks);
  }

  replace(jwks: JSONWebKeySet): void {
    this.keys = createLocalJWKSet(jwks);
  }

  async current(): Promise<JWTVerifyGetKey> {
    return this.keys;
  }

  async newer(): Promise<undefined> {
    return undefined;
  }
}

/** Keys that are fetched: when they are needed first, in the background once they are old, and at most once in 30 s for unknown ones. */
export class RemoteJwks implements Jwks {
  fault: string | null = null;
  private keys: JWTVerifyGetKey | undefined;
  private version = 0;
  private freshUntilMonoMs = -Infinity;
  private nextMonoMs = -Infinity;
  private flight: Promise<void> | undefined;

  constructor(
    private readonly issuer: string,
    private readonly fetchJwks: () => Promise<JSONWebKeySet>,
    private readonly clock: Clock,
    private readonly observer: Pick<IdentityObserver, 'keysRead' | 'keysUnavailable'>,
  ) {}

  get retryAfterSeconds(): number {
    return Math.max(1, Math.ceil((this.nextMonoMs - this.clock.monotonicMs()) / 1000));
  }

  async current(): Promise<JWTVerifyGetKey | undefined> {
    const isStale = this.clock.monotonicMs() >= this.freshUntilMonoMs;
    const refresh = isStale ? this.refresh() : undefined;
    if (this.keys === undefined) await refresh;
    return this.keys;
  }

  async newer(): Promise<JWTVerifyGetKey | undefined> {
    const { version } = this;
    await this.refresh();
    return this.version === version ? undefined : this.keys;
  }

  /** Joins a fetch that is under way. */
  private async refresh(): Promise<void> {
    const nowMonoMs = this.clock.monotonicMs();
    if (this.flight === undefined && nowMonoMs >= this.nextMonoMs) {
      this.nextMonoMs = nowMonoMs + REFETCH_PAUSE_MS;
      this.flight = this.fetch().finally(() => (this.flight = undefined));
    }
    await this.flight;
  }

  private async fetch(): Promise<void> {
    try {
      const jwks = await this.fetchJwks();
      this.keys = createLocalJWKSet(jwks);
      this.version += 1;
      this.fault = null;
      this.freshUntilMonoMs = this.clock.monotonicMs() + FRESH_MS;
      this.observer.keysRead(
        this.issuer,
        jwks.keys.map(({ kid = '' }) => kid),
      );
    } catch (error) {
      this.fault = error instanceof Error ? error.message : String(error);
      this.observer.keysUnavailable(this.issuer, this.fault, this.keys !== undefined);
    }
  }
}
