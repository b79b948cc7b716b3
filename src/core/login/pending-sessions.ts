import { StoreUnavailableError } from '../errors.js';
import { sleep } from '../ports/clock.js';
import type { UserSession } from '../ports/login-store.js';
import { newAttempt } from './handles.js';
import type { LoginApp } from './login-app.js';
import type { LoginPorts } from './login-call.js';
import { storedInTime } from './stored-in-time.js';

const MAX_PENDING = 1000;
const RETRY_MS = 1000;
/** For a look at the session and its replacement. */
const LOCK_MS = 5000;

/** A session whose tokens were renewed, to be stored in the place of the one that it was renewed from. */
interface Renewal {
  readonly app: LoginApp;
  readonly handle: string;
  /** Had the right to refresh it. */
  readonly id: string;
  readonly before: UserSession;
  readonly session: UserSession;
  /** On the monotonic clock. */
  readonly endMonoMs: number;
}

/**
 * Renewed sessions that the store has not taken yet. QQ takes a refresh token once, so that its successor must not be lost
 * because the store is away: it is kept here, and written when the store is back. It is lost only with the process.
 */
export class PendingSessions {
  private readonly pending = new Map<string, Renewal>();
  private isRetrying = false;

  constructor(private readonly ports: Pick<LoginPorts, 'store' | 'clock'>) {}

  /** While it is, nothing may be renewed: its end could not be kept. */
  get isFull(): boolean {
    return this.pending.size >= MAX_PENDING;
  }

  /** Throws `StoreUnavailableError`; the session is then written by a later `flush`. */
  async store(renewal: Renewal): Promise<void> {
    const { handle } = renewal;
    this.pending.set(handle, renewal);
    try {
      await storedInTime(this.ports.clock, () => this.flush(handle));
    } finally {
      this.retryLater();
    }
    if (this.pending.get(handle) === renewal)
      throw new StoreUnavailableError('another replica refreshes this session');
  }

  /**
   * Writes the session, if it is pending and nobody has ended or renewed it meanwhile. One that counts as over was refused
   * for the refresh token that this renewal has used up. It stays pending while another replica has the right to refresh it.
   * Throws `StoreUnavailableError`.
   *
   * @param ownLock who asks has that right already, under this id; it is given up if something is written
   */
  async flush(handle: string, ownLock?: string): Promise<void> {
    const renewal = this.pending.get(handle);
    if (!renewal) return;
    if (this.isAlive(renewal) && !(await this.save(renewal, renewal.id))) {
      const isSaved = await this.compareAndSave(renewal, ownLock);
      if (!isSaved) return;
    }
    if (this.pending.get(handle) === renewal) this.pending.delete(handle);
  }

  /** As much as the store takes before the process ends. Never throws. */
  async flushAll(limitMs: number): Promise<void> {
    const { clock } = this.ports;
    let isOver = false;
    const limit = sleep(clock, limitMs).then(() => {
      isOver = true;
    });
    const flushed = async (): Promise<void> => {
      for (;;) {
        await this.flushEach();
        if (this.pending.size === 0 || isOver) return;
        await sleep(clock, RETRY_MS);
      }
    };
    await Promise.race([flushed(), limit]);
  }

  /** The right may have run out since the platform was asked. What another replica has stored since is newer. */
  private async compareAndSave(renewal: Renewal, ownLock?: string): Promise<boolean> {
    const { store } = this.ports;
    const { app, handle, before } = renewal;
    const id = ownLock ?? newAttempt();
    if (ownLock === undefined && !(await store.lockSession(app, handle, id, LOCK_MS))) return false;
    const { session } = await store.session(app, handle);
    if (session && session.tokens?.expiresAtMs === before.tokens?.expiresAtMs) return this.save(renewal, id);
    if (ownLock === undefined) await store.saveSession(app, handle, id, null);
    return true;
  }

  private isAlive({ endMonoMs }: Renewal): boolean {
    return this.ports.clock.monotonicMs() < endMonoMs;
  }

  /** False: the right is another's, or nobody's. */
  private save({ app, handle, session, endMonoMs }: Renewal, id: string): Promise<boolean> {
    const lifeMs = endMonoMs - this.ports.clock.monotonicMs();
    return this.ports.store.saveSession(app, handle, id, { session, lifeMs });
  }

  private retryLater(): void {
    if (this.isRetrying || this.pending.size === 0) return;
    this.isRetrying = true;
    this.ports.clock.after(RETRY_MS, () => {
      void this.flushEach().then(() => {
        this.isRetrying = false;
        this.retryLater();
      });
    });
  }

  /** One that cannot be written holds no other one up. */
  private async flushEach(): Promise<void> {
    await Promise.allSettled([...this.pending.keys()].map((handle) => this.flush(handle)));
  }
}
