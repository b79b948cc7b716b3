import type { TokenManager } from '../refresh/token-manager.js';
import type { BrokerPorts } from '../ports/broker-ports.js';
import { suspectReasonOf } from '../refresh/policy.js';
import type { HeldToken } from '../token.js';

/** A younger token may be refused because the platform has not spread it yet. */
const SETTLING_MS = 5000;

/**
 * Finds tokens that died early: somebody else fetches with the same AppSecret, or had the platform withdraw the token.
 *
 * That is said of a token that the platform refused to a probe, which is the only evidence; that was older than 5 s
 * and not yet due for its refresh; while no fetch of ours was open or in doubt that could have killed it; and whose
 * successor this replica fetched and stored. So it is said once, by one replica, and never of a token that nobody could
 * replace.
 */
export class ForeignFetch {
  private reported = 0;

  constructor(
    private readonly manager: TokenManager,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'events' | 'replica'>,
  ) {}

  /** The platform just refused this token to a probe. Call what this returns, if anything, when the replacement has ended. */
  examine(dead: HeldToken): (() => void) | null {
    const { memory, app } = this.manager;
    const { generation, issuedAtMs } = dead.record;
    const ageMs = memory.storeNowMs() - issuedAtMs;
    const leftMs = dead.deadlineMonoMs - this.ports.clock.monotonicMs();
    const isOurs =
      memory.generation !== generation || (memory.view !== null && suspectReasonOf(memory.view) !== null);
    if (isOurs || memory.isDue || ageMs < SETTLING_MS) return null;
    return () => {
      if (this.reported === generation || !this.hasReplaced(dead)) return;
      this.reported = generation;
      this.ports.events.emit({ app: app.name, kind: 'died_early', generation, ageMs, leftMs });
    };
  }

  private hasReplaced(dead: HeldToken): boolean {
    const stored = this.manager.memory.view?.record;
    return (
      stored?.owner === this.ports.replica && stored.reason === 'report' && stored.value !== dead.record.value
    );
  }
}
