import { Injectable } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { Clock } from '../../core/ports/clock.js';
import { BrokerError } from '../../core/errors.js';
import { TokenBroker } from '../../core/broker.js';
import type { AppName, HeldToken } from '../../core/token.js';
import {
  AppsEventStream,
  asChunk,
  HEARTBEAT,
  tokenEvent,
  writeBytes,
  type Bytes,
} from './apps-event-stream.js';

/** Shorter than the idle time of any usual proxy. */
const HEARTBEAT_MS = 15_000;
/** About a hundred events: a reader that is so far behind is gone, or will do better with a new stream. */
const MAX_UNSENT_BYTES = 32 * 1024;

interface Stream {
  readonly app: AppName;
  readonly response: ServerResponse;
  /** The newest generation that the reader has; it never gets an older one. */
  generation: number;
  /** Whether the reader may still see the app, by the configuration as it is now. */
  readonly isAllowed: () => Promise<boolean>;
}

/** An app whose tokens are heard of. */
interface Followed {
  readonly streams: Set<Stream>;
  readonly leave: () => void;
}

/** The open event streams: each gets every newer token of its app, in one write, and a comment where there is none for long. */
@Injectable()
export class TokenEventStreams {
  private readonly byApp = new Map<AppName, Followed>();
  /** Those of many apps, and which apps each of them may be about by the configuration as it is now; undefined: it is over. */
  private readonly ofMany = new Map<AppsEventStream, () => Promise<readonly AppName[] | undefined>>();
  /** Apps that have a newer token, until their streams got it. */
  private readonly rotated = new Map<AppName, HeldToken>();
  private stopHeartbeat: (() => void) | null = null;
  private isOver = false;

  constructor(
    private readonly broker: TokenBroker,
    private readonly clock: Clock,
  ) {}

  /**
   * Takes over a response whose head is set: writes the current token, as soon as there is one, unless the reader has it.
   *
   * @param generation what the reader has; 0 for nothing
   */
  open(app: AppName, response: ServerResponse, generation: number, isAllowed: Stream['isAllowed']): void {
    const stream = { app, response, generation, isAllowed };
    const streams = this.streamsOf(app);
    streams.add(stream);
    response.once('close', () => streams.delete(stream));
    response.flushHeaders();
    const held = this.broker.held(app);
    if (held && held.record.generation >= generation) this.send(stream, held);
    else void this.sendFirst(stream);
    this.opened(response);
  }

  /** As `open`, for each of these apps. @param appsNow resolves to the apps after a change of the configuration; undefined: none any more */
  openForMany(
    apps: readonly AppName[],
    response: ServerResponse,
    appsNow: () => Promise<readonly AppName[] | undefined>,
  ): void {
    const eventOf = (app: AppName): string | null => {
      const held = this.broker.held(app);
      return held ? tokenEvent(app, held, this.clock.monotonicMs()) : null;
    };
    const stream = new AppsEventStream(response, eventOf, this.clock);
    this.ofMany.set(stream, appsNow);
    response.once('close', () => this.ofMany.delete(stream));
    response.flushHeaders();
    stream.follow(this.withTokens(apps));
    this.opened(response);
  }

  private opened(response: ServerResponse): void {
    if (this.isOver) response.end();
    else this.stopHeartbeat ??= this.clock.after(HEARTBEAT_MS, this.beat);
  }

  /** Ends the streams of apps that are gone, and of readers that may not see their app any more. */
  recheck(gone: ReadonlySet<AppName>): void {
    for (const app of gone) this.forget(app);
    for (const stream of this.all()) void this.endUnlessAllowed(stream);
    for (const [stream, appsNow] of this.ofMany) void this.refollow(stream, appsNow, gone);
  }

  /** Its last fetch may still bring a token, which is nothing to another app under the same name. */
  private forget(app: AppName): void {
    const followed = this.byApp.get(app);
    if (!followed) return;
    followed.leave();
    this.byApp.delete(app);
    this.rotated.delete(app);
    for (const { response } of followed.streams) response.end();
  }

  private async refollow(
    stream: AppsEventStream,
    appsNow: () => Promise<readonly AppName[] | undefined>,
    gone: ReadonlySet<AppName>,
  ): Promise<void> {
    const apps = await appsNow().catch(() => undefined);
    if (apps === undefined) {
      stream.end();
      return;
    }
    const now = this.withTokens(apps);
    // What is another app under the same name is news.
    stream.follow(now.filter((app) => !gone.has(app)));
    stream.follow(now);
  }

  /** Hears of them from now on. */
  private withTokens(apps: readonly AppName[]): readonly AppName[] {
    return apps.filter((app) => {
      try {
        this.follow(app);
        return true;
      } catch (error) {
        if (error instanceof BrokerError) return false;
        throw error;
      }
    });
  }

  private async endUnlessAllowed({ isAllowed, response }: Stream): Promise<void> {
    const isStill = await isAllowed().catch(() => false);
    if (!isStill) response.end();
  }

  /** Ends all streams as if there were nothing more to say, so that their readers go elsewhere. */
  end(): void {
    this.isOver = true;
    this.stopHeartbeat?.();
    for (const { response } of this.all()) response.end();
    for (const stream of this.ofMany.keys()) stream.end();
  }

  /**
   * Hears of the app's tokens from now on: before the head of an answer is set, so that a refusal still has a status.
   *
   * @throws BrokerError `no_token_for_app_type`
   */
  follow(app: AppName): void {
    this.streamsOf(app);
  }

  private streamsOf(app: AppName): Set<Stream> {
    const known = this.byApp.get(app);
    if (known) return known.streams;
    const streams = new Set<Stream>();
    const leave = this.broker.subscribe(app, (held) => {
      this.announce(app, held);
    });
    this.byApp.set(app, { streams, leave });
    return streams;
  }

  /** Later, so that the rotation first goes on to tell the store and the other replicas. */
  private announce(app: AppName, held: HeldToken): void {
    if (this.rotated.size === 0) this.clock.after(0, this.sendRotated);
    this.rotated.set(app, held);
  }

  private readonly sendRotated = (): void => {
    for (const [app, held] of this.rotated) {
      const streams = this.streamsOf(app);
      if (streams.size > 0) {
        const event = this.eventOf(app, held);
        for (const stream of streams) this.send(stream, held, event);
      }
      for (const stream of this.ofMany.keys()) stream.announce(app);
    }
    this.rotated.clear();
  };

  /** What is not there yet, or is older than what the reader has, comes with the next rotation at the latest. */
  private async sendFirst(stream: Stream): Promise<void> {
    try {
      this.send(stream, await this.broker.current(stream.app, stream.generation));
    } catch (error) {
      if (!(error instanceof BrokerError)) stream.response.destroy();
    }
  }

  private send(stream: Stream, held: HeldToken, event = this.eventOf(stream.app, held)): void {
    if (held.record.generation <= stream.generation) return;
    stream.generation = held.record.generation;
    this.write(stream, event);
  }

  private eventOf(app: AppName, held: HeldToken): Bytes {
    return asChunk(tokenEvent(app, held, this.clock.monotonicMs()));
  }

  private readonly beat = (): void => {
    this.stopHeartbeat = null;
    for (const stream of this.all()) {
      this.write(stream, HEARTBEAT);
      this.stopHeartbeat ??= this.clock.after(HEARTBEAT_MS, this.beat);
    }
    for (const stream of this.ofMany.keys()) {
      stream.beat();
      this.stopHeartbeat ??= this.clock.after(HEARTBEAT_MS, this.beat);
    }
  };

  private write({ response }: Stream, bytes: Bytes): void {
    writeBytes(response, bytes);
    if (response.writableLength > MAX_UNSENT_BYTES) response.destroy();
  }

  private *all(): Iterable<Stream> {
    for (const { streams } of this.byApp.values()) yield* streams;
  }
}
