/** A refusal that is older than this says nothing: the secret may have been made valid on the platform's console since. */
const REFUSED_FOR_MS = 60_000;

/**
 * The AppSecret of one app while it is being replaced. The newest is preferred. The last one that worked, or the one of
 * the start, is kept until the newest has worked: the file may be changed before the platform's console, or after it,
 * and may be read half written.
 */
export class AppSecrets {
  private older: string | null = null;
  private prefersOlder = false;
  private readonly refusedAtMonoMs = new Map<string, number>();

  constructor(private newest: string) {}

  /** The one to use for the next fetch. */
  get current(): string {
    return this.prefersOlder && this.older !== null ? this.older : this.newest;
  }

  /** Returns whether this one is news. */
  offer(secret: string): boolean {
    if (secret === this.newest) return false;
    // An older one that is still there means that the newest has not worked.
    this.older ??= this.newest;
    this.newest = secret;
    this.prefersOlder = false;
    this.refusedAtMonoMs.clear();
    return true;
  }

  /** The platform took it. */
  accepted(secret: string): void {
    this.refusedAtMonoMs.clear();
    if (secret === this.newest) this.older = null;
  }

  /** The platform refused it. The other one, if there is one, is next; returns whether that is worth trying at once. */
  rejected(secret: string, nowMonoMs: number): boolean {
    this.refusedAtMonoMs.set(secret, nowMonoMs);
    if (this.older === null) return false;
    this.prefersOlder = secret === this.newest;
    return nowMonoMs - (this.refusedAtMonoMs.get(this.current) ?? -Infinity) >= REFUSED_FOR_MS;
  }
}
