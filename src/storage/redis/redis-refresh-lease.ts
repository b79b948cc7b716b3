import type { Lock } from 'redlock';
import Redlock, { ExecutionError, ResourceLockedError } from 'redlock';
import type { AppIdentity } from '../../core/app-definition.js';
import type { StoreUnavailableError } from '../../core/errors.js';
import { RefreshLease, type Lease } from '../../core/ports/refresh-lease.js';
import { appKeys, legacyKeys } from './keys.js';
import type { LegacyState } from './legacy-state.js';
import type { RedisConnection } from './redis-connection.js';

/** One attempt: a replica that does not get the lease waits for the rotation, not for the lease. */
const ONE_ATTEMPT = { retryCount: 0 };

/**
 * redlock over one Redis. It is never extended, and nothing is proved by holding it: begin compares its value again. It
 * may even be returned when it has run out, which begin finds too. Where replicas of 0.1 may run, their lease is held as well.
 */
export class RedisRefreshLease extends RefreshLease {
  private readonly redlock: Redlock;
  private readonly locks = new Map<string, readonly Lock[]>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly keyPrefix: string,
    private readonly legacy?: LegacyState,
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
    const held: Lock[] = [];
    try {
      const keys = [appKeys(this.keyPrefix, app).lease];
      if (this.legacy?.isThere(app)) keys.push(legacyKeys(this.keyPrefix, app).lease);
      for (const key of keys) {
        const lock = await this.connection.inTime(() =>
          this.redlock.acquire([key], Math.ceil(durationMs), ONE_ATTEMPT),
        );
        held.push(lock);
      }
      const [{ value: id }] = held as [Lock];
      this.locks.set(id, held);
      return { kind: 'acquired', lease: { app, id } };
    } catch (error) {
      await this.give(held);
      const cause = await causeOf(error);
      if (cause instanceof ResourceLockedError) return { kind: 'held' };
      return { kind: 'unavailable', cause: await this.unavailable(cause) };
    }
  }

  override async release({ id }: Lease): Promise<void> {
    const held = this.locks.get(id) ?? [];
    this.locks.delete(id);
    await this.give(held);
  }

  /** One that ran out, or that cannot be told to Redis, is as good as released. */
  private async give(held: readonly Lock[]): Promise<void> {
    await Promise.all(
      held.map((lock) => this.connection.inTime(() => lock.release()).catch(() => undefined)),
    );
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
