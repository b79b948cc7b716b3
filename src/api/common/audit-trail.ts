import type { AuditEntry } from '../../core/ports/audit-entry.js';
import type { AppName } from '../../core/token.js';

/** Is told who does what. It decides itself which entries become lines, so callers record everything. Must not throw and must not wait. */
export abstract class AuditTrail {
  /** Reads are sampled as configured; what comes too often is counted instead. */
  abstract record(entry: AuditEntry): void;
  /** Whether a read of this generation by this client, from there, would become a line. Called on the hot path. `via`: as in `AuditOrigin`. */
  abstract isReadDue(client: string, app: AppName, generation: number, via: string): boolean;
}
