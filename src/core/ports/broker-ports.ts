import type { AppClaim } from './app-claim.js';
import type { Clock } from './clock.js';
import type { EventSink } from './events.js';
import type { RefreshLease } from './refresh-lease.js';
import type { RotationFeed } from './rotation-feed.js';
import type { SharedProbes } from './shared-probes.js';
import type { TokenStore } from './token-store.js';

/** What a broker works with. */
export interface BrokerPorts {
  readonly clock: Clock;
  readonly store: TokenStore;
  readonly lease: RefreshLease;
  readonly feed: RotationFeed;
  readonly claim: AppClaim;
  readonly probes: SharedProbes;
  readonly events: EventSink;
  /** Names this replica in records. */
  readonly replica: string;
}
