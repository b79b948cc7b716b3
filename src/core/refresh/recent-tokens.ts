import { hash } from 'node:crypto';

/** A platform takes the token before the current one for this long, or to its own expiry. The one before that is dead. */
export const OVERLAP_MS = 300_000;

interface Known {
  readonly sha256: string;
  readonly untilMonoMs: number;
}

/** The tokens of one app that the platform would still take: the current one and, for a while, the one before. */
export class RecentTokens {
  private known: readonly Known[] = [];

  /** @param killedOthers the one before is dead already: it was reported, or replaced because it leaked */
  next(value: string, deadlineMonoMs: number, nowMonoMs: number, killedOthers: boolean): void {
    const sha256 = hash('sha256', value);
    const before = killedOthers ? undefined : this.known.find((one) => one.sha256 !== sha256);
    this.known = [
      { sha256, untilMonoMs: deadlineMonoMs },
      ...(before ? [{ ...before, untilMonoMs: Math.min(before.untilMonoMs, nowMonoMs + OVERLAP_MS) }] : []),
    ];
  }

  /** `sha256`: in hex. Only hashes are compared, so that the time it takes tells nothing about a token. */
  includes(sha256: string, nowMonoMs: number): boolean {
    return this.known.some((one) => one.sha256 === sha256 && nowMonoMs < one.untilMonoMs);
  }
}
