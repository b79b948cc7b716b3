import { Global, Module, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { Callers } from '../api/auth/callers.js';
import { ConfigStatus } from '../api/config/config.controller.js';
import { clientUses } from '../api/console/client-uses.js';
import { ConsoleApiModule } from '../api/console/console.module.js';
import { SessionCookies } from '../api/console/session-cookie.js';
import { ClientLimits } from '../api/limits/client-limits.js';
import { Backend } from './backend.js';
import { TokenBroker } from '../core/broker.js';
import { ConsoleData } from '../core/console/console-data.js';
import { countByHost, platformsOf, type PlatformState } from '../core/console/platform-reach.js';
import { ReplicaBoard } from '../core/console/replica-board.js';
import type { AppUse } from '../core/console/app-use.js';
import { ALL_CLIENTS, answerOf, lastUsesOf, type ClientUse } from '../core/console/client-use.js';
import { Clock } from '../core/ports/clock.js';
import { EventSink, EventSinks, type BrokerEvent } from '../core/ports/events.js';
import type { History, HistoryEvent } from '../core/ports/history.js';
import type { AppName } from '../core/token.js';
import { HistoryRecorder } from '../observability/history.recorder.js';
import { PlatformCalls } from '../observability/platform-calls.js';
import { readVersion } from '../observability/read-version.js';
import type { UseCounts } from '../observability/use-counts.js';
import { Runtime } from './runtime.module.js';
import { Telemetry } from './telemetry.module.js';

/** Tells consoles that are open which app something happened to. */
class Touches extends EventSink {
  readonly listeners: ((app: string) => void)[] = [];

  override emit({ app }: BrokerEvent): void {
    for (const listener of this.listeners) listener(app);
  }
}

/** What the broker gathers for the console, on the storage that is configured. */
class GatheredData extends ConsoleData {
  override readonly version = readVersion();
  override readonly storeKind: 'memory' | 'redis';
  override readonly history: History;
  override readonly board: ReplicaBoard;
  private readonly recorder: HistoryRecorder;
  private readonly calls: PlatformCalls;
  private readonly touches = new Touches();
  private counts = new WeakMap<readonly AppName[], ReadonlyMap<string, number>>();
  private countedFor: readonly AppName[] = [];

  constructor(
    { config, redactor, logger, replica }: Runtime,
    private readonly broker: TokenBroker,
    backend: Backend,
    private readonly use: UseCounts,
    private readonly callers: Callers,
    private readonly limits: ClientLimits,
    events: EventSinks,
    status: ConfigStatus,
    private readonly clock: Clock,
  ) {
    super();
    this.storeKind = config.redis ? 'redis' : 'memory';
    this.history = backend.history;
    const redact = (text: string): string => redactor.redact(text);
    this.recorder = new HistoryRecorder(this.history, clock, replica, redact, logger);
    this.calls = new PlatformCalls(clock, (app) => this.hostOf(app));
    for (const sink of [this.recorder, this.calls, this.touches]) events.add(sink);
    this.board = new ReplicaBoard(broker, backend.replicas, clock, {
      replica,
      version: this.version,
      configSha256: () => status.state.sha256,
      reaches: () => this.calls.reaches(broker.apps),
      answer: (topic) => (topic === ALL_CLIENTS ? answerOf(this.clientUses()) : use.of(topic)),
      lastUses: () => lastUsesOf(clientUses(callers, limits, new Map())),
    });
  }

  override clientUses(): readonly ClientUse[] {
    return clientUses(this.callers, this.limits, this.use.byClient());
  }

  override useOf(app: AppName): AppUse {
    return this.use.of(app);
  }

  override platforms(apps: readonly AppName[]): readonly PlatformState[] {
    const isAll = apps.length === this.broker.apps.length;
    const own = isAll ? null : new Set(apps);
    return platformsOf(
      {
        apps: this.countsOf(apps),
        isAll,
        failing: (host) => {
          const failing = this.calls.failingAt(host);
          return own ? [...failing].filter((app) => own.has(app)).length : failing.size;
        },
      },
      this.board.reaches,
      this.clock.wallMs(),
    );
  }

  /** Counted once for each state of the configuration, since somebody who looks on wants it twice a second. */
  private countsOf(apps: readonly AppName[]): ReadonlyMap<string, number> {
    if (this.countedFor !== this.broker.apps) {
      this.countedFor = this.broker.apps;
      this.counts = new WeakMap();
    }
    const known = this.counts.get(apps) ?? countByHost(apps, (app) => this.hostOf(app));
    this.counts.set(apps, known);
    return known;
  }

  /** Null for what is no app, such as a ticket, and for an app without calls. */
  private hostOf(app: AppName): string | null {
    const definition = this.broker.definition(app);
    return definition && 'host' in definition && !definition.parent ? definition.host : null;
  }

  override onTouched(listener: (app: AppName) => void): void {
    this.touches.listeners.push(listener);
  }

  override onRecorded(listener: (event: HistoryEvent) => void): void {
    this.recorder.onRecorded(listener);
  }

  async close(): Promise<void> {
    await this.board.stop();
    await this.recorder.flush();
  }
}

/** The console, where one is configured. */
@Global()
@Module({
  imports: [
    ConsoleApiModule.forRootAsync({
      inject: [Runtime, Clock],
      useFactory: ({ config: { encryption, redis } }: Runtime, clock: Clock) => {
        const keys = encryption?.keys ?? [];
        const decoded = keys.map(({ key }) => Buffer.from(key.value(), 'base64'));
        return new SessionCookies(decoded, redis?.keyPrefix ?? '', clock);
      },
    }),
  ],
  providers: [
    {
      provide: ConsoleData,
      inject: [
        Runtime,
        TokenBroker,
        Backend,
        Telemetry,
        Callers,
        ClientLimits,
        EventSink,
        ConfigStatus,
        Clock,
      ],
      useFactory: (
        runtime: Runtime,
        broker: TokenBroker,
        backend: Backend,
        { use }: Telemetry,
        callers: Callers,
        limits: ClientLimits,
        events: EventSinks,
        status: ConfigStatus,
        clock: Clock,
      ) => {
        if (!use) throw new Error('nothing counts for the console');
        return new GatheredData(runtime, broker, backend, use, callers, limits, events, status, clock);
      },
    },
  ],
  exports: [ConsoleData],
})
export class ConsoleModule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  constructor(private readonly data: ConsoleData) {}

  onApplicationBootstrap(): void {
    this.data.board.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    if (this.data instanceof GatheredData) await this.data.close();
  }
}
