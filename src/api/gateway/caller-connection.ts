import type { ServerResponse } from 'node:http';

/**
 * The connection of whoever waits for an answer, and may hang up. One listener serves all who have to know: AbortSignal, as
 * undici takes it, costs each call more than its headers do.
 */
export class CallerConnection {
  /** The caller hung up before it had the answer. */
  isGone = false;
  private giveUp: (() => void) | null = null;
  /** Resolves once the answer is through, or the caller gone. */
  readonly closed: Promise<void>;

  constructor(response: ServerResponse) {
    this.isGone = response.destroyed;
    this.closed = new Promise((resolve) => {
      if (this.isGone) resolve();
      response.once('close', () => {
        this.isGone = !response.writableFinished;
        if (this.isGone) this.giveUp?.();
        resolve();
      });
    });
  }

  /** @param giveUp ends what is under way for the caller. It takes the place of the one before */
  onGone(giveUp: () => void): void {
    this.giveUp = giveUp;
    if (this.isGone) giveUp();
  }
}
