import { StoreUnavailableError } from '../../src/core/errors.js';
import { MemoryReplicaRegistry } from '../../src/storage/memory/index.js';

/** Counts what is asked of it, and gives no answer when it is told so, or to those that are silent. */
export class FakeRegistry extends MemoryReplicaRegistry {
  isAway = false;
  readonly silent = new Set<string>();
  looks = 0;
  /** Bytes of the longest report, as JSON. */
  longest = 0;
  readonly sizes: number[] = [];
  /** The identities of each call. */
  readonly noted: string[][] = [];

  override beat(
    ...args: Parameters<MemoryReplicaRegistry['beat']>
  ): ReturnType<MemoryReplicaRegistry['beat']> {
    this.longest = Math.max(this.longest, Buffer.byteLength(JSON.stringify(args[0])));
    if (this.silent.has(args[0].id)) return new Promise(() => undefined);
    if (this.isAway) return Promise.reject(new StoreUnavailableError('no connection to Redis'));
    return super.beat(...args);
  }

  override show(...args: Parameters<MemoryReplicaRegistry['show']>) {
    this.sizes.push(args[1].size);
    return super.show(...args);
  }

  override noteUses(...args: Parameters<MemoryReplicaRegistry['noteUses']>) {
    this.noted.push([...args[1].keys()]);
    return super.noteUses(...args);
  }

  override lastUses() {
    if (this.isAway) return Promise.reject(new StoreUnavailableError('no connection to Redis'));
    return super.lastUses();
  }

  override shownBy(replica: string) {
    this.looks += 1;
    return super.shownBy(replica);
  }
}
