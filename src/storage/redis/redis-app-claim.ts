import type { StoreUnavailableError } from '../../core/errors.js';
import { AppClaim, type ClaimAnswer, type ClaimedApp } from '../../core/ports/app-claim.js';
import { claimKey } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';

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
