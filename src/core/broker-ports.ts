import type { Clock } from './ports/clock.js';
import type { Observer } from './ports/observer.js';
import type { RefreshLease } from './ports/refresh-lease.js';
import type { RotationFeed } from './ports/rotation-feed.js';
import type { TokenStore } from './ports/token-store.js';

/** What a broker works with. */
export interface BrokerPorts {
  readonly clock: Clock;
  readonly store: TokenStore;
  readonly lease: RefreshLease;
  readonly feed: RotationFeed;
  readonly observer: Observer;
  /** Names this replica in records. */
  readonly replica: string;
}
