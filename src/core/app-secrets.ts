/**
 * The AppSecret of one app while it is being replaced. The newest is preferred, the one before it kept until the
 * newest has worked: the file may be changed before the platform's console, or after it.
 */
export class AppSecrets {
  private older: string | null = null;
  private prefersOlder = false;
  private readonly refused = new Set<string>();

  constructor(private newest: string) {}

  /** The one to use for the next fetch. */
  get current(): string {
    return this.prefersOlder && this.older !== null ? this.older : this.newest;
  }

  /** Returns whether this one is news. */
  offer(secret: string): boolean {
    if (secret === this.newest) return false;
    this.older = this.current;
    this.newest = secret;
    this.prefersOlder = false;
    this.refused.clear();
    return true;
  }

  /** The platform took it. */
  accepted(secret: string): void {
    this.refused.clear();
    if (secret === this.newest) this.older = null;
  }

  /** The platform refused it. The other one, if there is one, is next; returns whether that is worth trying at once. */
  rejected(secret: string): boolean {
    this.refused.add(secret);
    if (this.older === null) return false;
    this.prefersOlder = secret === this.newest;
    return !this.refused.has(this.current);
  }
}
