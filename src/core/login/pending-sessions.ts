import { StoreUnavailableError } from '../errors.js';
import type { UserSession } from '../ports/login-store.js';
import type { LoginApp } from './login-app.js';
import type { LoginPorts } from './login-call.js';
import { storedInTime } from './stored-in-time.js';

const MAX_PENDING = 1000;
const RETRY_MS = 1000;

/** A session whose tokens were renewed, to be stored in the place of the one that it was renewed from. */
interface Renewal {
  readonly app: LoginApp;
  readonly handle: string;
  /** Who has the right to refresh it. */
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
    const { clock } = this.ports;
    try {
      await storedInTime(clock, () => this.save(renewal));
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
      this.pending.set(renewal.handle, renewal);
      this.retryLater();
      throw error;
    }
  }

  /**
   * Writes the session, if it is pending and nobody has ended or renewed it meanwhile. One that counts as over was refused
   * for the refresh token that this renewal has used up. Throws `StoreUnavailableError`.
   */
  async flush(handle: string): Promise<void> {
    const renewal = this.pending.get(handle);
    if (!renewal) return;
    const { session } = await this.ports.store.session(renewal.app, handle);
    const isAsBefore = session?.tokens?.expiresAtMs === renewal.before.tokens?.expiresAtMs;
    if (session && isAsBefore && this.ports.clock.monotonicMs() < renewal.endMonoMs) await this.save(renewal);
    if (this.pending.get(handle) === renewal) this.pending.delete(handle);
  }

  private save({ app, handle, id, session, endMonoMs }: Renewal): Promise<void> {
    const lifeMs = endMonoMs - this.ports.clock.monotonicMs();
    return this.ports.store.saveSession(app, handle, id, { session, lifeMs });
  }

  private retryLater(): void {
    if (this.isRetrying) return;
    this.isRetrying = true;
    this.ports.clock.after(RETRY_MS, () => {
      void this.retry();
    });
  }

  private async retry(): Promise<void> {
    try {
      for (const handle of [...this.pending.keys()]) await this.flush(handle);
    } catch (error) {
      if (!(error instanceof StoreUnavailableError)) throw error;
    } finally {
      this.isRetrying = false;
      if (this.pending.size > 0) this.retryLater();
    }
  }
}
