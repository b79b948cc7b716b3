import type { AbortRequest, CommitRequest } from '../ports/token-store.js';

/** The end of a fetch that the store has to learn of, sooner or later. */
export type PendingWrite =
  | { readonly kind: 'commit'; readonly request: CommitRequest }
  | { readonly kind: 'abort'; readonly request: AbortRequest };

/** More than the fetches of two usual days without the store; each holds a token at most. */
const MAX_WAITING = 500;

/**
 * Ends of fetches that the store has not confirmed, oldest first. Nobody else knows of them, so none may be forgotten
 * while this process lives: an unknown outcome that is not told leaves a superseded token trusted.
 */
export class PendingWrites {
  private readonly queue: PendingWrite[] = [];
  private writing: Promise<void> | null = null;

  /** `tell` rejects when the store could not be told; it may then be called again with the same settlement. */
  constructor(private readonly write: (settlement: PendingWrite) => Promise<void>) {}

  /** While there is none, no further fetch may be sent: its end could not be kept. */
  get hasRoom(): boolean {
    return this.queue.length < MAX_WAITING;
  }

  add(settlement: PendingWrite): void {
    this.queue.push(settlement);
  }

  /** Tells all of them. Rejects, and keeps what is left, as soon as one cannot be told. */
  async flush(): Promise<void> {
    while (this.queue.length > 0) {
      this.writing ??= this.writeOldest();
      await this.writing;
    }
  }

  private async writeOldest(): Promise<void> {
    try {
      const [oldest] = this.queue;
      if (!oldest) return;
      await this.write(oldest);
      if (this.queue[0] === oldest) this.queue.shift();
    } finally {
      this.writing = null;
    }
  }
}
