import { hash } from 'node:crypto';

interface Known {
  readonly sha256: string;
  readonly untilMonoMs: number;
}

/** The tokens of one app that the platform would still take: the current one and, for a while, the one before. */
export class RecentTokens {
  private known: readonly Known[] = [];

  /** @param graceMs for how long the platform still takes the one before, if it does not end sooner; the one before that is dead */
  next(value: string, deadlineMonoMs: number, nowMonoMs: number, graceMs: number): void {
    const sha256 = hash('sha256', value);
    const before = this.known.find((one) => one.sha256 !== sha256);
    this.known = [
      { sha256, untilMonoMs: deadlineMonoMs },
      ...(before ? [{ ...before, untilMonoMs: Math.min(before.untilMonoMs, nowMonoMs + graceMs) }] : []),
    ];
  }

  /** `sha256`: in hex. Only hashes are compared, so that the time it takes tells nothing about a token. */
  includes(sha256: string, nowMonoMs: number): boolean {
    return this.known.some((one) => one.sha256 === sha256 && nowMonoMs < one.untilMonoMs);
  }
}
