import type { AppName } from './token.js';

/**
 * Tells every replica that an app has a new generation. A hint, never the truth: messages may be lost, repeated or
 * late, so whoever receives one reads the store.
 */
export abstract class RotationFeed {
  /** Never throws: a message that cannot be sent is a lost one. */
  abstract publish(app: AppName, generation: number): Promise<void>;

  /**
   * Calls back for every message, the subscriber's own included, until the returned function is called. `onGap` says
   * that messages may have been lost.
   */
  abstract subscribe(listener: (app: AppName, generation: number) => void, onGap?: () => void): () => void;
}
