import type { History, HistoryEvent } from '../ports/history.js';
import type { AppName } from '../token.js';
import type { AppUse } from './app-use.js';
import type { ClientUse } from './client-use.js';
import type { PlatformState } from './platform-reach.js';
import type { ReplicaBoard } from './replica-board.js';

/** What the console shows besides what the broker itself knows. */
export abstract class ConsoleData {
  abstract readonly version: string;
  abstract readonly storeKind: 'memory' | 'redis';
  abstract readonly history: History;
  abstract readonly board: ReplicaBoard;
  /** Of this replica alone. */
  abstract useOf(app: AppName): AppUse;
  /** Of this replica alone: all clients. */
  abstract clientUses(): readonly ClientUse[];
  /** The hosts that these apps have, over all replicas. */
  abstract platforms(apps: readonly AppName[]): readonly PlatformState[];
  /** Calls back, for good, when something happened to an app; it must not throw and must not wait. */
  abstract onTouched(listener: (app: AppName) => void): void;
  /** Calls back, for good, for each event of this replica as it is recorded; it must not throw and must not wait. */
  abstract onRecorded(listener: (event: HistoryEvent) => void): void;
}
