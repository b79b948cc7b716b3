import type { TokenBroker } from '../../src/core/broker.js';
import type { AppUse } from '../../src/core/console/app-use.js';
import type { ClientUse } from '../../src/core/console/client-use.js';
import { ConsoleData } from '../../src/core/console/console-data.js';
import type { PlatformState } from '../../src/core/console/platform-reach.js';
import { ReplicaBoard } from '../../src/core/console/replica-board.js';
import type { Clock } from '../../src/core/ports/clock.js';
import type { HistoryEvent } from '../../src/core/ports/history.js';
import { MemoryHistory, MemoryReplicaRegistry } from '../../src/storage/memory/index.js';
import type { FakeBroker } from './fake-broker.js';

/** What a test wants the console to show, on one replica. */
export class FakeConsoleData extends ConsoleData {
  override readonly version = '1.2.3';
  override readonly storeKind = 'memory';
  override readonly history: MemoryHistory;
  override readonly board: ReplicaBoard;
  /** Where other replicas may tell of themselves. */
  readonly registry: MemoryReplicaRegistry;
  readonly uses = new Map<string, AppUse>();
  clients: readonly ClientUse[] = [];
  states: readonly PlatformState[] = [];
  /** How often. */
  readonly asked = { platforms: 0 };
  private readonly touchListeners: ((app: string) => void)[] = [];
  private readonly eventListeners: ((event: HistoryEvent) => void)[] = [];

  constructor(broker: FakeBroker, clock: Clock) {
    super();
    this.history = new MemoryHistory(clock);
    this.registry = new MemoryReplicaRegistry(clock);
    this.board = new ReplicaBoard(broker as unknown as TokenBroker, this.registry, clock, {
      replica: 'replica-1',
      version: this.version,
      configSha256: () => null,
      reaches: () => [],
      answer: (app) => this.useOf(app),
      lastUses: () => new Map(),
    });
  }

  override useOf(app: string): AppUse {
    return this.uses.get(app) ?? { callers: [], login: null, gateway: null };
  }

  override clientUses(): readonly ClientUse[] {
    return this.clients;
  }

  override platforms(): readonly PlatformState[] {
    this.asked.platforms += 1;
    return this.states;
  }

  override onTouched(listener: (app: string) => void): void {
    this.touchListeners.push(listener);
  }

  override onRecorded(listener: (event: HistoryEvent) => void): void {
    this.eventListeners.push(listener);
  }

  /** Something happened to the app. */
  touch(app: string): void {
    for (const listener of this.touchListeners) listener(app);
  }

  /** Is recorded, and told. */
  async record(event: HistoryEvent): Promise<void> {
    await this.history.append([event]);
    for (const listener of this.eventListeners) listener(event);
  }
}
