import type { AppIdentity } from '../app-definition.js';

/** A new generation of one app. */
export interface Rotation {
  /** The app's `identityKey`. Apps of others may use the same feed. */
  readonly key: string;
  readonly generation: number;
}

/**
 * Tells every replica that an app has a new generation. A hint, never the truth: messages may be lost, repeated or
 * late, so whoever receives one reads the store.
 */
export abstract class RotationFeed {
  /** Never throws: a message that cannot be sent is a lost one. */
  abstract publish(app: AppIdentity, generation: number): Promise<void>;

  /**
   * Calls back for every message, the subscriber's own included, until the returned function is called. `onGap` says
   * that messages may have been lost.
   */
  abstract subscribe(listener: (rotation: Rotation) => void, onGap?: () => void): () => void;
}
