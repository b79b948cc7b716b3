import type { Lock } from 'redlock';
import Redlock, { ExecutionError, ResourceLockedError } from 'redlock';
import type { AppIdentity } from '../../core/app-definition.js';
import type { StoreUnavailableError } from '../../core/errors.js';
import { RefreshLease, type Lease } from '../../core/ports/refresh-lease.js';
import { appKeys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';

/** One attempt: whoever does not get the lease waits for the rotation, not for the lease. */
const ONE_ATTEMPT = { retryCount: 0 };

/**
 * redlock over one Redis. It is never extended, and nothing is proved by holding it: begin compares its value again. It
 * may even be returned when it has run out, which begin finds too.
 */
export class RedisRefreshLease extends RefreshLease {
  private readonly redlock: Redlock;
  private readonly locks = new Map<string, Lock>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly keyPrefix: string,
  ) {
    super();
    this.redlock = new Redlock([connection.client], ONE_ATTEMPT);
  }

  override async acquire(
    app: AppIdentity,
    durationMs: number,
  ): Promise<
    | { kind: 'acquired'; lease: Lease }
    | { kind: 'held' }
    | { kind: 'unavailable'; cause: StoreUnavailableError }
  > {
    try {
      const { lease } = appKeys(this.keyPrefix, app);
      const lock = await this.connection.inTime(() =>
        this.redlock.acquire([lease], Math.ceil(durationMs), ONE_ATTEMPT),
      );
      this.locks.set(lock.value, lock);
      return { kind: 'acquired', lease: { app, id: lock.value } };
    } catch (error) {
      const cause = await causeOf(error);
      if (cause instanceof ResourceLockedError) return { kind: 'held' };
      return { kind: 'unavailable', cause: await this.unavailable(cause) };
    }
  }

  override async release({ id }: Lease): Promise<void> {
    const lock = this.locks.get(id);
    this.locks.delete(id);
    // One that ran out, or that cannot be told to Redis, is as good as released.
    if (lock) await this.connection.inTime(() => lock.release()).catch(() => undefined);
  }

  private async unavailable(cause: unknown): Promise<StoreUnavailableError> {
    return this.connection
      .run(() => Promise.reject(cause as Error))
      .catch((error: unknown) => error as never);
  }
}

/** redlock says in its attempts why they failed. */
async function causeOf(error: unknown): Promise<unknown> {
  if (!(error instanceof ExecutionError)) return error;
  const [attempt] = await Promise.all(error.attempts);
  const [cause] = attempt?.votesAgainst.values() ?? [];
  return cause ?? error;
}
