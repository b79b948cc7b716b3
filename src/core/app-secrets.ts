import type { ErrorCode } from './error-code.js';

/** A refusal that is older than this says nothing: the secret may have been made valid on the platform's console since. */
const REFUSED_FOR_MS = 60_000;

/** There is no AppSecret yet. */
interface MissingSecret {
  /** Why, for people: which file, and what is wrong with it. */
  readonly fault: string;
}

/** What the platform said when it refused a secret. */
export interface SecretRefusal {
  readonly errcode: ErrorCode;
  readonly message: string;
  readonly atMs: number;
}

/** Where the secret was read from, it can be read no more. */
export interface LostSecret {
  readonly why: string;
  readonly atMs: number;
}

/**
 * The AppSecret of one app while it is being replaced. The newest is preferred. The last one that worked, or the one of
 * the start, is kept until the newest has worked: the file may be changed before the platform's console, or after it,
 * and may be read half written.
 */
export class AppSecrets {
  private newest: string | null;
  private fault: string | null;
  private older: string | null = null;
  private prefersOlder = false;
  private refusal: SecretRefusal | null = null;
  private unreadable: LostSecret | null = null;
  /** By secret; null while none is refused. */
  private refusedAtMonoMs: Map<string, number> | null = null;

  constructor(first: string | MissingSecret) {
    this.newest = typeof first === 'string' ? first : null;
    this.fault = typeof first === 'string' ? null : first.fault;
  }

  /** The one to use for the next fetch; null while there is none. */
  get current(): string | null {
    return this.prefersOlder && this.older !== null ? this.older : this.newest;
  }

  /**
   * The one for a call that a refusal spoils, such as one with a user's code: the newest only once it has worked, or when
   * the one before was refused; null while there is none.
   */
  get proven(): string | null {
    return this.older !== null && this.refusedAtMonoMs?.has(this.older) !== true ? this.older : this.newest;
  }

  /** The platform refused the current one, and none has worked since. */
  get isCurrentRefused(): boolean {
    return this.current !== null && this.refusedAtMonoMs?.has(this.current) === true;
  }

  /** What the platform said when it refused the current one; null if it did not, or one has worked since. */
  get currentRefusal(): SecretRefusal | null {
    return this.isCurrentRefused ? this.refusal : null;
  }

  /** Why there is no secret, or null. */
  get missing(): string | null {
    return this.fault;
  }

  /** Why the one in use could not be read again, as a restart would have to; null while it can be. */
  get lost(): LostSecret | null {
    return this.unreadable;
  }

  /** It could not be read, or can be again with the text that it had (null). */
  couldNotBeRead(lost: LostSecret | null): void {
    if (this.newest !== null) this.unreadable = lost;
    else if (lost !== null) this.fault = lost.why;
  }

  /** The newest was refused, and an older one is used in its place; null otherwise. */
  get refused(): SecretRefusal | null {
    const isUsed = this.older !== null && this.refusedAtMonoMs?.has(this.older) !== true;
    return isUsed ? this.refusal : null;
  }

  /** Returns whether this one is news. */
  offer(secret: string): boolean {
    this.unreadable = null;
    if (secret === this.newest) return false;
    // An older one that is still there means that the newest has not worked.
    this.older ??= this.newest;
    this.newest = secret;
    this.fault = null;
    this.refusal = null;
    this.prefersOlder = false;
    this.refusedAtMonoMs = null;
    return true;
  }

  /** The platform took it. */
  accepted(secret: string): void {
    this.refusedAtMonoMs = null;
    if (secret === this.newest) this.older = null;
  }

  /** The platform refused it. The other one, if there is one, is next; returns whether that is worth trying at once. */
  rejected(secret: string, nowMonoMs: number, refusal: SecretRefusal): boolean {
    this.refusedAtMonoMs ??= new Map();
    this.refusedAtMonoMs.set(secret, nowMonoMs);
    if (secret === this.newest) this.refusal = refusal;
    if (this.older === null) return false;
    this.prefersOlder = secret === this.newest;
    return nowMonoMs - (this.refusedAtMonoMs.get(this.current ?? '') ?? -Infinity) >= REFUSED_FOR_MS;
  }
}
