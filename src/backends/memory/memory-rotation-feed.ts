import { EventEmitter } from 'node:events';
import { RotationFeed } from '../../core/rotation-feed.js';
import type { AppName } from '../../core/token.js';

/** A feed among the brokers of one process. */
export class MemoryRotationFeed extends RotationFeed {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  override async publish(app: AppName, generation: number): Promise<void> {
    this.emitter.emit('rotation', app, generation);
  }

  override subscribe(listener: (app: AppName, generation: number) => void): () => void {
    this.emitter.on('rotation', listener);
    return () => {
      this.emitter.off('rotation', listener);
    };
  }
}
