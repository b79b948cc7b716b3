import { Test } from '@nestjs/testing';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pino } from 'pino';
import { Callers } from '../../src/api/auth/callers.js';
import { clientUses } from '../../src/api/console/client-uses.js';
import { callerView } from '../../src/api/console/console.views.js';
import type { ConfigState } from '../../src/api/config/config.controller.js';
import { ClientLimits } from '../../src/api/limits/client-limits.js';
import { AppModule } from '../../src/app.module.js';
import { Clock } from '../../src/core/ports/clock.js';
import { TokenBroker } from '../../src/core/broker.js';
import { ClientSums } from '../../src/core/console/client-use.js';
import { Metrics } from '../../src/observability/metrics.js';
import { Redactor } from '../../src/core/redaction/redactor.js';
import { ConfigFiles } from '../../src/live/config-files.js';
import { KeyExpiry } from '../../src/live/key-expiry.js';
import { LiveConfig } from '../../src/live/live-config.js';
import { SecretFiles } from '../../src/live/secret-files.js';
import { tokenShapes } from '../../src/platforms/registry.js';
import { ManualClock } from './manual-clock.js';

type Content = string | Buffer | object;

/** A folder with the files of a configuration; `broker.yaml` is the one that is named to the broker. */
export class ConfigFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'live-'));

  file(name: string): string {
    return join(this.path, name);
  }

  write(name: string, content: Content): string {
    const path = this.file(name);
    mkdirSync(dirname(path), { recursive: true });
    const isText = typeof content === 'string' || Buffer.isBuffer(content);
    writeFileSync(path, isText ? content : JSON.stringify(content));
    return path;
  }

  remove(name: string): void {
    rmSync(this.file(name), { recursive: true, force: true });
  }

  delete(): void {
    rmSync(this.path, { recursive: true });
  }
}

/** All of the broker but its server: with the real loader, in this process, by a clock that stands still. It asks no platform. */
export class LiveBroker {
  private constructor(
    readonly live: LiveConfig,
    readonly callers: Callers,
    readonly limits: ClientLimits,
    readonly broker: TokenBroker,
    readonly source: ConfigFiles,
    readonly clock: ManualClock,
    /** Of the log, in order. */
    readonly lines: readonly Readonly<Record<string, unknown>>[],
    readonly metrics: () => Promise<string>,
    /** Watches no file any more. */
    readonly close: () => void,
  ) {}

  static async start(path: string, clock = new ManualClock()): Promise<LiveBroker> {
    const lines: Record<string, unknown>[] = [];
    const redactor = new Redactor(tokenShapes());
    const source = new ConfigFiles({ BROKER_CONFIG: path }, { redactor, mayAwaitAppSecrets: true });
    const logger = pino({}, { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
    const runtime = { config: source.load(), source, logger, redactor, replica: 'replica-1' };
    const module = await Test.createTestingModule({ imports: [AppModule.forRoot(runtime)] })
      .overrideProvider(Clock)
      .useValue(clock)
      .compile();
    const live = module.get(LiveConfig);
    live.start();
    return new LiveBroker(
      live,
      module.get(Callers),
      module.get(ClientLimits),
      module.get(TokenBroker),
      source,
      clock,
      lines,
      async () => String(await module.get(Metrics).render()),
      () => {
        module.get(SecretFiles).onApplicationShutdown();
        module.get(KeyExpiry).onApplicationShutdown();
      },
    );
  }

  /** What the console shows of each client. */
  get callerViews(): readonly ReturnType<typeof callerView>[] {
    const { callers, limits, clock } = this;
    const sums = new ClientSums(new Map(), clock.wallMs());
    sums.add('replica-1', clientUses(callers, limits, new Map()));
    return callers.all.map((client) =>
      callerView(client, callers.identitiesOf(client.name), limits.of(client.name).rate, sums),
    );
  }

  reload(): ConfigState {
    this.live.reload();
    return this.live.state;
  }

  /** Whose the API key is, or why it is nobody's. */
  whose(key: string): string {
    const answer = this.callers.ofKey(key);
    return answer.kind === 'ok' ? answer.client.name : answer.kind;
  }

  events(event: string): Readonly<Record<string, unknown>>[] {
    return this.lines.filter((line) => line.event === event);
  }
}
