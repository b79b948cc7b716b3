import { hash, randomUUID } from 'node:crypto';
import type { Lock } from 'redlock';
import Redlock, { ExecutionError, ResourceLockedError } from 'redlock';
import type { AppIdentity } from '../../core/app-definition.js';
import type { StoreUnavailableError } from '../../core/errors.js';
import { AppClaim, type ClaimAnswer, type ClaimedApp } from '../../core/ports/app-claim.js';
import { type Lease, type LeaseAnswer, RefreshLease } from '../../core/ports/refresh-lease.js';
import {
  type ProbeAttempt,
  type ProbeClaim,
  type ProbedToken,
  SharedProbes,
} from '../../core/ports/shared-probes.js';
import { appKeys, claimKey, legacyKeys, probeKey } from './keys.js';
import type { LegacyState } from './legacy-state.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';
import type { Binding, TokenCipher } from './token-cipher.js';

/** One attempt: a replica that does not get the lease waits for the rotation, not for the lease. */
const ONE_ATTEMPT = { retryCount: 0 };

/**
 * redlock over one Redis. It is never extended, and nothing is proved by holding it: begin compares its value again. It
 * may even be returned when it has run out, which begin finds too. Where replicas of 0.1 may run, their lease is held as
 * well, with the same value.
 */
export class RedisRefreshLease extends RefreshLease {
  private readonly redlock: Redlock;
  private readonly locks = new Map<string, Lock>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly keyPrefix: string,
    private readonly legacy?: LegacyState,
  ) {
    super();
    this.redlock = new Redlock([connection.client], ONE_ATTEMPT);
  }

  override async acquire(app: AppIdentity, durationMs: number): Promise<LeaseAnswer> {
    const keys = [appKeys(this.keyPrefix, app).lease];
    if (this.legacy?.isThere(app)) keys.push(legacyKeys(this.keyPrefix, app).lease);
    try {
      const lock = await this.connection.inTime(() =>
        this.redlock.acquire(keys, Math.ceil(durationMs), ONE_ATTEMPT),
      );
      this.locks.set(lock.value, lock);
      return { kind: 'acquired', lease: { app, id: lock.value } };
    } catch (error) {
      const cause = await causeOf(error);
      if (cause instanceof ResourceLockedError) return { kind: 'held' };
      return { kind: 'unavailable', cause: await this.unavailable(cause) };
    }
  }

  /** One that ran out, or that cannot be told to Redis, is as good as released. */
  override async release({ id }: Lease): Promise<void> {
    const lock = this.locks.get(id);
    this.locks.delete(id);
    await this.connection.inTime(async () => lock?.release()).catch(() => undefined);
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

/** A key prefix and the name of an app. */
const MAX_HOLDER_CHARACTERS = 130;
/** What Redis answers to a user that may not use the key. */
const NOT_ALLOWED = /NOPERM|can't run this command/;
/** Claims in one command: Redis does nothing else for a millisecond. */
const MAX_CLAIMS = 500;

export interface RedisAppClaimOptions {
  readonly keyPrefix: string;
  /** Is told when Redis does not let the user claim anything, and, with null, when they work again. */
  readonly onRefusal: (refusal: StoreUnavailableError | null) => void;
}

/** Claims that leave together: of one group, for the same time, in the same way. */
interface Batch {
  readonly keys: string[];
  readonly holders: string[];
  readonly answers: Promise<readonly ClaimAnswer[]>;
}

/**
 * A claim is a key that all brokers on this Redis know, whatever their key prefixes. Claims of a group that are asked for
 * in the same turn of the event loop are one command.
 */
export class RedisAppClaim extends AppClaim {
  private isRefused = false;
  private readonly batches = new Map<string, Batch>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly options: RedisAppClaimOptions,
  ) {
    super();
    defineScripts(connection.client);
  }

  override async claim(
    app: ClaimedApp,
    durationMs: number,
    { force }: { readonly force: boolean },
  ): Promise<ClaimAnswer> {
    const { key, group } = claimKey(app);
    const batch = this.batchOf(group, Math.ceil(durationMs), force);
    // Braces are in no prefix, so that no two brokers have one text.
    const index = batch.holders.push(`${this.options.keyPrefix}{${app.name}}`) - 1;
    batch.keys.push(key);
    const answers = await batch.answers;
    return answers[index] ?? { kind: 'unsupported' };
  }

  private batchOf(group: number, durationMs: number, force: boolean): Batch {
    const id = `${String(group)} ${String(durationMs)} ${String(force)}`;
    const open = this.batches.get(id);
    if (open && open.keys.length < MAX_CLAIMS) return open;
    const answers = this.turnOver().then(() => {
      if (this.batches.get(id) === batch) this.batches.delete(id);
      return this.send(batch, durationMs, force);
    });
    const batch: Batch = { keys: [], holders: [], answers };
    this.batches.set(id, batch);
    return batch;
  }

  private turnOver(): Promise<void> {
    return new Promise((resolve) => this.connection.after(0, resolve));
  }

  private async send(
    { keys, holders }: Batch,
    durationMs: number,
    force: boolean,
  ): Promise<readonly ClaimAnswer[]> {
    try {
      const replies = await this.connection.run(() =>
        this.connection.client.brokerClaim(keys.length, ...keys, durationMs, force ? '1' : '', ...holders),
      );
      this.noteRefusal(null);
      return replies.map((holder) =>
        holder === '' ? { kind: 'ours' } : { kind: 'theirs', holder: harmless(holder) },
      );
    } catch (error) {
      const cause = error as StoreUnavailableError;
      const isForbidden = NOT_ALLOWED.test(cause.message);
      if (isForbidden) this.noteRefusal(cause);
      return keys.map(() => (isForbidden ? { kind: 'unsupported' } : { kind: 'unavailable', cause }));
    }
  }

  private noteRefusal(refusal: StoreUnavailableError | null): void {
    if (this.isRefused === (refusal !== null)) return;
    this.isRefused = refusal !== null;
    this.options.onRefusal(refusal);
  }
}

/** A claim's text, of which no sentence and no address is left: anybody who writes to Redis can have put it there. */
function harmless(holder: string): string {
  return holder.replace(/[^\w.:{}-]/g, '').slice(0, MAX_HOLDER_CHARACTERS) || 'unknown';
}

const REFUSED = 'refused';

/** A key for each token that is being tried. A refusal is sealed: without the encryption key one can make reports wait, but have no token refused. */
export class RedisSharedProbes extends SharedProbes {
  constructor(
    private readonly connection: RedisConnection,
    private readonly options: { readonly keyPrefix: string; readonly cipher: TokenCipher },
  ) {
    super();
    defineScripts(connection.client);
  }

  override async claim(token: ProbedToken, durationMs: number): Promise<ProbeClaim> {
    const attempt = { ...token, id: randomUUID() };
    const there = await this.connection.run(() =>
      this.connection.client.brokerProbeClaim(this.keyOf(attempt), attempt.id, Math.ceil(durationMs)),
    );
    if (there === '') return { kind: 'ours', attempt };
    const [phase, , id = '', sealed = ''] = there.split(' ');
    if (phase === 'p') return { kind: 'theirs', id, isRefused: false };
    const opened = this.options.cipher.open(this.bindingOf({ ...token, id }), sealed);
    const isRefused = opened.kind === 'opened' && opened.text === REFUSED;
    return isRefused ? { kind: 'theirs', id, isRefused } : { kind: 'unknown' };
  }

  override async finish(attempt: ProbeAttempt, isRefused: boolean, keptMs: number): Promise<void> {
    const sealed = isRefused ? this.options.cipher.seal(this.bindingOf(attempt), REFUSED) : '';
    await this.connection.run(() =>
      this.connection.client.brokerProbeFinish(this.keyOf(attempt), attempt.id, sealed, Math.ceil(keptMs)),
    );
  }

  private keyOf({ app, since }: ProbedToken): string {
    return probeKey(this.options.keyPrefix, app, since);
  }

  /** Replicas that refreshed while Redis was away may have given one generation to two values. */
  private bindingOf({ app, since, value, id }: ProbeAttempt): Binding {
    const { name, provider, appId, grant } = app;
    return ['probe', this.options.keyPrefix, name, provider, appId, grant, since, hash('sha256', value), id];
  }
}
