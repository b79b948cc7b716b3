import type { Cluster, Redis } from 'ioredis';
import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import { RotationFeed, type Rotation } from '../../core/rotation-feed.js';
import { rotationChannel } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

type Listener = (rotation: Rotation) => void;

/** Rotations over pub/sub, on a connection of its own. What is lost while it reconnects is said as a gap. */
export class RedisRotationFeed extends RotationFeed {
  private readonly listeners = new Set<Listener>();
  private readonly gapListeners = new Set<() => void>();
  private readonly channel: string;
  private readonly subscriber: Redis | Cluster;

  constructor(
    private readonly connection: RedisConnection,
    keyPrefix: string,
  ) {
    super();
    this.channel = rotationChannel(keyPrefix);
    this.subscriber = connection.subscriber();
    this.subscriber.on('message', (_channel: string, message: string) => {
      this.receive(message);
    });
    this.subscriber.on('ready', () => {
      void this.listen();
    });
  }

  override async publish(app: AppIdentity, generation: number): Promise<void> {
    // The name alone is for replicas of version 0.1.
    const message = JSON.stringify({ app: app.name, key: identityKey(app), generation });
    await this.connection.client.publish(this.channel, message).catch(() => undefined);
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
    this.subscriber.disconnect();
  }

  /** Without the feed, because the user may not subscribe or the connection went again, replicas still reconcile. */
  private async listen(): Promise<void> {
    await this.subscriber.subscribe(this.channel).catch(() => undefined);
    for (const onGap of this.gapListeners) onGap();
  }

  private receive(message: string): void {
    const rotation = parse(message);
    if (!rotation) return;
    for (const listener of this.listeners) listener(rotation);
  }
}

/** Anybody who may publish can send anything. Version 0.1 names no key: its messages are of no use here. */
function parse(message: string): Rotation | null {
  try {
    const { key, generation } = JSON.parse(message) as { key?: unknown; generation?: unknown };
    return typeof key === 'string' && typeof generation === 'number' ? { key, generation } : null;
  } catch {
    return null;
  }
}
