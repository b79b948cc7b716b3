import type { Cluster, Redis } from 'ioredis';
import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import { RotationFeed, type Rotation } from '../../core/ports/rotation-feed.js';
import { rotationChannel } from './keys.js';
import type { LegacyState } from './legacy-state.js';
import type { RedisConnection } from './redis-connection.js';

type Listener = (rotation: Rotation) => void;

/** While Redis itself is away: the feed should be back when it is. */
const WITHOUT_REDIS_MS = 500;
const MIN_RETRY_MS = 100;
const MAX_RETRY_MS = 30_000;
/** A subscription that held for this long was no failure. */
const STEADY_MS = 10_000;

/**
 * Rotations over pub/sub, on a connection of its own. What is lost while it reconnects is said as a gap. Something between
 * here and Redis may refuse subscriptions for ever: the feed then tries ever more seldom, by itself, and replicas go on to
 * reconcile.
 */
export class RedisRotationFeed extends RotationFeed {
  private readonly listeners = new Set<Listener>();
  private readonly gapListeners = new Set<() => void>();
  private readonly channel: string;
  private readonly subscriber: Redis | Cluster;
  private failures = 0;
  /** Why the last attempt to connect failed. */
  private trouble: Error | null = null;
  private isUp: boolean | null = null;
  private hasToldGap = false;
  private cancelRetry = (): void => undefined;
  private cancelSteady = (): void => undefined;

  /**
   * @param onChange is told when messages come, and when they come no more; `reason` is null for the former
   * @param legacy knows the apps that replicas of 0.1 may have; without it their messages are of no use
   */
  constructor(
    private readonly connection: RedisConnection,
    keyPrefix: string,
    private readonly onChange: (reason: string | null) => void = () => undefined,
    private readonly legacy?: LegacyState,
  ) {
    super();
    this.channel = rotationChannel(keyPrefix);
    this.subscriber = connection.subscriber(() => this.retryMs());
    this.subscriber.on('message', (_channel: string, message: string) => {
      this.receive(message);
    });
    this.subscriber.on('ready', () => {
      void this.listen();
    });
    this.subscriber.on('error', (error: Error) => (this.trouble = error));
    this.subscriber.on('close', () => {
      this.lost(this.trouble?.message ?? 'the connection was closed');
    });
  }

  override async publish(app: AppIdentity, generation: number): Promise<void> {
    // The name alone is for replicas of version 0.1.
    const message = JSON.stringify({ app: app.name, key: identityKey(app), generation });
    await this.connection
      .inTime(() => this.connection.client.publish(this.channel, message))
      .catch(() => undefined);
  }

  override subscribe(listener: Listener, onGap?: () => void): () => void {
    this.listeners.add(listener);
    if (onGap) this.gapListeners.add(onGap);
    return () => {
      this.listeners.delete(listener);
      if (onGap) this.gapListeners.delete(onGap);
    };
  }

  close(): void {
    this.cancelRetry();
    this.cancelSteady();
    this.subscriber.removeAllListeners('close');
    this.subscriber.disconnect();
  }

  private async listen(): Promise<void> {
    try {
      await this.subscriber.subscribe(this.channel);
    } catch (error) {
      this.lost(error instanceof Error ? error.message : 'it was refused');
      // What came since the last message is found by looking, once; from now on the usual reconciles do.
      if (!this.hasToldGap) this.tellGap();
      this.hasToldGap = true;
      if (this.subscriber.status !== 'ready') return;
      this.cancelRetry();
      this.cancelRetry = this.connection.after(this.retryMs(), () => {
        if (this.subscriber.status === 'ready') void this.listen();
      });
      return;
    }
    this.cancelSteady = this.connection.after(STEADY_MS, () => {
      this.failures = 0;
    });
    const wasUp = this.isUp;
    this.isUp = true;
    this.trouble = null;
    if (!wasUp) this.onChange(null);
    this.hasToldGap = false;
    this.tellGap();
  }

  private lost(reason: string): void {
    this.cancelSteady();
    const isNews = this.isUp !== false;
    this.isUp = false;
    if (isNews) this.onChange(reason);
  }

  private retryMs(): number {
    if (!this.connection.isReady) return WITHOUT_REDIS_MS;
    this.failures += 1;
    return Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** Math.min(this.failures, 12));
  }

  private tellGap(): void {
    for (const onGap of this.gapListeners) onGap();
  }

  private receive(message: string): void {
    const rotation = this.parse(message);
    if (!rotation) return;
    for (const listener of this.listeners) listener(rotation);
  }

  /** Anybody who may publish can send anything. Version 0.1 names no key. */
  private parse(message: string): Rotation | null {
    try {
      const said = JSON.parse(message) as Readonly<Record<'app' | 'key' | 'generation', unknown>>;
      const { app, key = this.keyOf(app), generation } = said;
      return typeof key === 'string' && typeof generation === 'number' ? { key, generation } : null;
    } catch {
      return null;
    }
  }

  private keyOf(name: unknown): string | undefined {
    const app = typeof name === 'string' ? this.legacy?.heard(name) : undefined;
    return app && identityKey(app);
  }
}
