import { identityKey, type AppIdentity } from '../../core/app-definition.js';

/** Replicas that still have another key in front seal with that one: for this long none may have been seen. */
const QUIET_MS = 60_000;

/** Finds out when nothing that is stored of the configured apps is sealed with an old key any more. */
export class KeyUse {
  private readonly missing: Set<string>;
  private quietSinceMs: number | null = null;
  private isTold = false;

  /**
   * @param keyIds of `encryption.keys`, in their order: the first one seals
   * @param onUnused is told the others, each time that they have become unused
   */
  constructor(
    private readonly keyIds: readonly string[],
    apps: readonly AppIdentity[],
    private readonly onUnused: (keyIds: readonly string[]) => void,
  ) {
    this.missing = new Set(apps.map(identityKey));
  }

  /** What is stored of this app is sealed with this key, at this time of the store. */
  note(app: AppIdentity, keyId: string, nowMs: number): void {
    const [current, ...others] = this.keyIds;
    if (others.length === 0) return;
    if (keyId === current) this.missing.delete(identityKey(app));
    if (keyId !== current || this.missing.size > 0) {
      this.quietSinceMs = null;
      this.isTold = false;
      return;
    }
    this.quietSinceMs ??= nowMs;
    if (this.isTold || nowMs - this.quietSinceMs < QUIET_MS) return;
    this.isTold = true;
    this.onUnused(others);
  }
}
