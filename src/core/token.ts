import { hash } from 'node:crypto';

/** The alias of a configured app, as callers write it; never the platform's AppID. */
export type AppName = string;

/** Why a token was fetched. Also the `reason` label of the fetch counter. */
export const FETCH_REASONS = [
  'scheduled',
  'cold',
  'report',
  'force',
  'in_doubt',
  'suspect',
  'rollback',
  'secret_change',
] as const;
export type FetchReason = (typeof FETCH_REASONS)[number];

/** One fetched token, as it is stored and served. Immutable: a new fetch makes a new record. */
export interface TokenRecord {
  /** The fence of the fetch that stored it. Only ever grows for an app; below 2^53. */
  readonly generation: number;
  /** The generation that was current when this fetch began; 0 if there was none. */
  readonly base: number;
  /** The first generation with this same value: a platform may hand the same token out again. */
  readonly since: number;
  readonly value: string;
  /** The store's time when the fetch began. */
  readonly issuedAtMs: number;
  /** `issuedAtMs` plus the platform's `expires_in`, on the store's clock. */
  readonly expiresAtMs: number;
  /** As the platform named it (RFC 6749 7.1); left out: Bearer, or the platform's one way. */
  readonly tokenType?: string | undefined;
  /** The replica that fetched it. */
  readonly owner: string;
  readonly reason: FetchReason;
}

/** A record together with the moment, on this process's monotonic clock, from which it must not be served. */
export interface HeldToken {
  readonly record: TokenRecord;
  readonly deadlineMonoMs: number;
}

/** Whether a caller that names this generation names the record's value. */
export function isSameValue(record: TokenRecord, generation: number): boolean {
  return generation >= record.since && generation <= record.generation;
}

/** The first 8 hex digits of a token's SHA-256: enough to find a token that one holds in the log, and no use to anybody else. */
export function fingerprint(value: string): string {
  return hash('sha256', value, 'hex').slice(0, 8);
}

interface Known {
  readonly sha256: string;
  readonly untilMonoMs: number;
}

/** The tokens of one app that the platform would still take: the current one and, for a while, the one before. */
export class RecentTokens {
  private known: readonly Known[] = [];

  /** @param owners is told of them */
  constructor(
    readonly app: AppName,
    private readonly owners: TokenOwners,
  ) {}

  /** @param graceMs for how long the platform still takes the one before, if it does not end sooner; the one before that is dead */
  next(value: string, deadlineMonoMs: number, nowMonoMs: number, graceMs: number): void {
    const sha256 = hash('sha256', value);
    const before = this.known.find((one) => one.sha256 !== sha256);
    for (const one of this.known) if (one !== before) this.owners.remove(one.sha256, this);
    this.owners.add(sha256, this);
    this.known = [
      { sha256, untilMonoMs: deadlineMonoMs },
      ...(before ? [{ ...before, untilMonoMs: Math.min(before.untilMonoMs, nowMonoMs + graceMs) }] : []),
    ];
  }

  clear(): void {
    for (const { sha256 } of this.known) this.owners.remove(sha256, this);
    this.known = [];
  }

  /** `sha256`: in hex. Only hashes are compared, so that the time it takes tells nothing about a token. */
  includes(sha256: string, nowMonoMs: number): boolean {
    return this.known.some((one) => one.sha256 === sha256 && nowMonoMs < one.untilMonoMs);
  }
}

/** Which apps may have a token, by its SHA-256 in hex: of thousands of apps nobody has to be asked one by one. */
export class TokenOwners {
  private readonly byHash = new Map<string, RecentTokens | readonly RecentTokens[]>();

  /** Nearly always one, or none: two apps of one AppID may have the same token, and so may an app and the one that replaces it. */
  of(sha256: string): readonly RecentTokens[] {
    const owners = this.byHash.get(sha256) ?? [];
    return owners instanceof RecentTokens ? [owners] : owners;
  }

  add(sha256: string, owner: RecentTokens): void {
    const others = this.of(sha256);
    if (others.includes(owner)) return;
    this.byHash.set(sha256, others.length === 0 ? owner : [...others, owner]);
  }

  remove(sha256: string, owner: RecentTokens): void {
    const others = this.of(sha256).filter((other) => other !== owner);
    if (others.length > 0) this.byHash.set(sha256, others);
    else this.byHash.delete(sha256);
  }
}
