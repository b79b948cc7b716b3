import { hash } from 'node:crypto';
import type { StoreUnavailableError } from '../../core/errors.js';
import { AppClaim, type ClaimAnswer, type ClaimedApp } from '../../core/ports/app-claim.js';
import { CLAIM_PREFIX } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';

/** A key prefix and the name of an app. */
const MAX_HOLDER_CHARACTERS = 130;
/** Of a user that may not use the key. */
const NOT_ALLOWED = /NOPERM|can't run this command/;

export interface RedisAppClaimOptions {
  readonly keyPrefix: string;
  /** Is told when Redis does not let the user claim anything, and, with null, when they work again. */
  readonly onRefusal: (refusal: StoreUnavailableError | null) => void;
}

/** A claim is a key that all brokers on this Redis know, whatever their key prefixes. */
export class RedisAppClaim extends AppClaim {
  private isRefused = false;

  constructor(
    private readonly connection: RedisConnection,
    private readonly options: RedisAppClaimOptions,
  ) {
    super();
    defineScripts(connection.client);
  }

  override async claim(
    { name, provider, host, appId }: ClaimedApp,
    durationMs: number,
    { force }: { readonly force: boolean },
  ): Promise<ClaimAnswer> {
    // Braces are in no prefix, so that no two brokers have one text.
    const ours = `${this.options.keyPrefix}{${name}}`;
    const key = CLAIM_PREFIX + hash('sha256', JSON.stringify([provider, host, appId]));
    try {
      const holder = await this.connection.run(() =>
        this.connection.client.brokerClaim(key, ours, Math.ceil(durationMs), force ? '1' : ''),
      );
      this.noteRefusal(null);
      return holder === '' ? { kind: 'ours' } : { kind: 'theirs', holder: harmless(holder) };
    } catch (error) {
      const cause = error as StoreUnavailableError;
      if (!NOT_ALLOWED.test(cause.message)) return { kind: 'unavailable', cause };
      this.noteRefusal(cause);
      return { kind: 'unsupported' };
    }
  }

  private noteRefusal(refusal: StoreUnavailableError | null): void {
    if (this.isRefused === (refusal !== null)) return;
    this.isRefused = refusal !== null;
    this.options.onRefusal(refusal);
  }
}

/** Whoever writes to Redis can have put any text there: no sentence and no address can be made of this one. */
function harmless(holder: string): string {
  return holder.replace(/[^\w.:{}-]/g, '').slice(0, MAX_HOLDER_CHARACTERS) || 'unknown';
}
