import type { Clock } from '../ports/clock.js';
import {
  LOGIN_TIMES,
  type BegunLogin,
  type CodeClaim,
  type FinishLogin,
  type LoginIdentity,
  type LoginStore,
} from '../ports/login-store.js';
import { sha256 } from './handles.js';

/** More codes in ten minutes than a replica exchanges while the store is away. */
const MAX_CODES = 500_000;

/**
 * The codes that this replica has spent while the store was away. It knows them for as long as the store would have, so
 * that none is sent again when the store is back; other replicas do not.
 */
export class OwnLedger {
  private readonly untilMonoMs = new Map<string, number>();

  constructor(
    private readonly store: LoginStore,
    private readonly clock: Clock,
  ) {}

  knows(app: LoginIdentity, code: string): boolean {
    if (this.untilMonoMs.size === 0) return false;
    return (this.untilMonoMs.get(keyOf(app, code)) ?? 0) > this.clock.monotonicMs();
  }

  begin(app: LoginIdentity, claim: CodeClaim): Promise<BegunLogin> {
    this.note(app, claim);
    return this.store.begin(app, { check: null, claim });
  }

  finish(app: LoginIdentity, result: FinishLogin): Promise<void> {
    this.note(app, result.claim);
    return this.store.finish(app, result);
  }

  private note(app: LoginIdentity, { code, pendingMs }: CodeClaim): void {
    const nowMonoMs = this.clock.monotonicMs();
    for (const [key, untilMonoMs] of this.untilMonoMs) {
      if (untilMonoMs > nowMonoMs && this.untilMonoMs.size < MAX_CODES) break;
      this.untilMonoMs.delete(key);
    }
    const key = keyOf(app, code);
    // The last one to end stands last.
    this.untilMonoMs.delete(key);
    this.untilMonoMs.set(key, nowMonoMs + pendingMs + LOGIN_TIMES.spentMs);
  }
}

function keyOf({ name }: LoginIdentity, code: string): string {
  return sha256(JSON.stringify([name, code]));
}
