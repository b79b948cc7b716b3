import type { AppIdentity } from '../app-definition.js';
import type { StoreUnavailableError } from '../errors.js';

/** A lease that was won. `id` is unguessable and unique; the store compares it at begin. */
export interface Lease {
  readonly app: AppIdentity;
  readonly id: string;
}

/** `held`: somebody else has it. `unavailable`: nobody can tell. */
export type LeaseAnswer =
  | { readonly kind: 'acquired'; readonly lease: Lease }
  | { readonly kind: 'held' }
  | { readonly kind: 'unavailable'; readonly cause: StoreUnavailableError };

/**
 * At most one holder per app, most of the time. It saves calls and proves nothing: it may be lost at any moment
 * (a pause, a failover, a time-out shorter than the work) and its holder is not told.
 */
export abstract class RefreshLease {
  /** One attempt, never waits for a holder. */
  abstract acquire(app: AppIdentity, durationMs: number): Promise<LeaseAnswer>;

  /** Gives the lease back if it is still this one. Never throws: a lease that cannot be released runs out. */
  abstract release(lease: Lease): Promise<void>;
}
