import type { Clock } from '../../core/ports/clock.js';
import { AppClaim, type ClaimAnswer, type ClaimedApp } from '../../core/ports/app-claim.js';

/** Claims among the brokers of one process, each of which has a prefix of its own and the same `claims`. */
export class MemoryAppClaim extends AppClaim {
  constructor(
    private readonly clock: Clock,
    private readonly prefix = '',
    private readonly claims = new Map<string, { readonly holder: string; readonly untilMonoMs: number }>(),
  ) {
    super();
  }

  override async claim(
    { name, provider, host, appId }: ClaimedApp,
    durationMs: number,
    { force }: { readonly force: boolean },
  ): Promise<ClaimAnswer> {
    const key = JSON.stringify([provider, host, appId]);
    const holder = `${this.prefix}{${name}}`;
    const nowMonoMs = this.clock.monotonicMs();
    const current = this.claims.get(key);
    if (!force && current && current.holder !== holder && current.untilMonoMs > nowMonoMs) {
      return { kind: 'theirs', holder: current.holder };
    }
    this.claims.set(key, { holder, untilMonoMs: nowMonoMs + durationMs });
    return { kind: 'ours' };
  }

  /** Another broker over the same claims. */
  ofPrefix(prefix: string): MemoryAppClaim {
    return new MemoryAppClaim(this.clock, prefix, this.claims);
  }
}
