import { EventEmitter } from 'node:events';
import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import { RotationFeed, type Rotation } from '../../core/ports/rotation-feed.js';

/** A feed among the brokers of one process. */
export class MemoryRotationFeed extends RotationFeed {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  override async publish(app: AppIdentity, generation: number): Promise<void> {
    this.emitter.emit('rotation', { key: identityKey(app), generation });
  }

  override subscribe(listener: (rotation: Rotation) => void): () => void {
    this.emitter.on('rotation', listener);
    return () => {
      this.emitter.off('rotation', listener);
    };
  }
}
