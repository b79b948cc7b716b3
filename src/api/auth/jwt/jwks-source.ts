import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../../core/ports/clock.js';
import type { IdentityObserver } from '../../common/request.js';
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { readFile } from 'node:fs/promises';
import { jwksForm } from '../../../core/client-keys.js';

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

const TIMEOUT_MS = 5000;
const MAX_BYTES = 64 * 1024;

export interface JwksLocation {
  readonly uri: string;
  /** Paths; read each time, for their content is rotated. */
  readonly caFile?: string | undefined;
  readonly tokenFile?: string | undefined;
}

/**
 * Fetches a JWKS, bounded in time and size. Follows no redirect and uses no proxy.
 *
 * @throws Error with a text for people; it has nothing of the answer
 */
export async function fetchJwks(
  { uri, caFile, tokenFile }: JwksLocation,
  clock: Clock,
): Promise<JSONWebKeySet> {
  const ca = caFile === undefined ? undefined : await readFile(caFile, 'utf8');
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  const text = await get(new URL(uri), ca, token, clock);
  const fault = jwksForm(text);
  if (fault !== undefined) throw new Error(`its answer ${fault}`);
  return JSON.parse(text) as JSONWebKeySet;
}

function get(url: URL, ca: string | undefined, token: string | undefined, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      agent: false as const,
      headers: {
        accept: 'application/jwk-set+json, application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      ...(ca !== undefined && { ca }),
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
    };
    const request = (url.protocol === 'https:' ? requestHttps : requestHttp)(url, options, (response) => {
      const { statusCode = 0 } = response;
      if (statusCode !== 200) {
        request.destroy(new Error(`it answered ${statusCode}`));
        return;
      }
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > MAX_BYTES)
          request.destroy(new Error(`its answer is larger than ${MAX_BYTES / 1024} KiB`));
        else chunks.push(chunk);
      });
      response.once('end', () => {
        cancel();
        resolve(Buffer.concat(chunks).toString('utf8'));
      });
      response.once('error', fail);
    });
    const cancel = clock.after(TIMEOUT_MS, () => {
      request.destroy(new Error(`it did not answer within ${TIMEOUT_MS / 1000} s`));
    });
    const fail = (error: Error): void => {
      cancel();
      reject(error);
    };
    request.once('error', fail);
    request.end();
  });
}
