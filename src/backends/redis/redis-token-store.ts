import { StoreUnavailableError } from '../../core/errors.js';
import { dayOfUtc8, isOverlapping } from '../../core/renewal-policy.js';
import {
  TokenStore,
  recordOf,
  type AbortRequest,
  type BeginRequest,
  type BeginResult,
  type CommitRequest,
  type CommitResult,
  type StoreView,
} from '../../core/token-store.js';
import type { AppName, TokenRecord } from '../../core/token.js';
import { appKeys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts, type ScriptReply } from './redis-scripts.js';
import { StateCodec } from './state-codec.js';
import type { TokenCipher } from './token-cipher.js';

/** The codes that begin.lua replies with. */
const BEGIN = { granted: 1, moved: 2, leaseLost: 3, backingOff: 4, dailyBudget: 5, forcedBudget: 6 } as const;
const SUPERSEDED = 2;
const NO_RECORD = [0, 0, 0, '', 0, 0, '', ''] as const;

export interface RedisTokenStoreOptions {
  readonly keyPrefix: string;
  readonly cipher: TokenCipher;
  /** A stored token was sealed with a key that is not configured, or was tampered with. It is replaced by a new fetch. */
  readonly onUnreadable: (app: AppName) => void;
}

/** The transition table of the refresh protocol as Lua scripts, one round trip each, on the clock of Redis. */
export class RedisTokenStore extends TokenStore {
  private readonly codec: StateCodec;

  constructor(
    private readonly connection: RedisConnection,
    private readonly options: RedisTokenStoreOptions,
  ) {
    super();
    this.codec = new StateCodec(options.cipher, options.onUnreadable);
    defineScripts(connection.client);
  }

  override read(app: AppName): Promise<StoreView> {
    return this.reconcile(app, { record: null, committed: 0 });
  }

  override async begin(app: AppName, request: BeginRequest): Promise<BeginResult> {
    const reply = await this.sendBegin(app, request);
    const [code, , fence] = reply;
    const view = this.view(app, reply);
    switch (code) {
      case BEGIN.granted:
        return { kind: 'granted', grant: { fence, overlapping: isOverlapping(view, request.leaseMs), view } };
      case BEGIN.moved:
        // A token that cannot be opened is as good as none: fetch over it.
        if (view.record) return { kind: 'moved', view };
        return this.begin(app, { ...request, seenGeneration: Number.MAX_SAFE_INTEGER });
      case BEGIN.leaseLost:
        return { kind: 'lease_lost', view };
      case BEGIN.backingOff:
        return { kind: 'backing_off', view };
      case BEGIN.dailyBudget:
        return { kind: 'budget_exhausted', budget: 'daily', view };
      case BEGIN.forcedBudget:
        return { kind: 'budget_exhausted', budget: 'forced', view };
      default:
        throw new Error(`begin.lua replied ${code}`);
    }
  }

  override async commit(app: AppName, request: CommitRequest): Promise<CommitResult> {
    const { grant } = request;
    const { state, fence } = this.keys(app);
    const { generation, base, since, ...rest } = recordOf(request);
    const sealed = this.options.cipher.seal(app, generation, rest.value);
    const reply = await this.connection.run(() =>
      this.connection.client.brokerCommit(
        state,
        fence,
        generation,
        base,
        grant.overlapping ? 1 : 0,
        since,
        sealed,
        rest.issuedAtMs,
        rest.expiresAtMs,
        rest.owner,
        rest.reason,
      ),
    );
    const view = this.view(app, reply);
    return { kind: reply[0] === SUPERSEDED ? 'superseded' : 'committed', view };
  }

  override async abort(app: AppName, { grant, outcome, forced, backOff }: AbortRequest): Promise<StoreView> {
    const { state, fence } = this.keys(app);
    const why = backOff && JSON.stringify({ errcode: backOff.errcode, message: backOff.message });
    const reply = await this.connection.run(() =>
      this.connection.client.brokerAbort(
        state,
        fence,
        grant.fence,
        outcome,
        forced ? 1 : 0,
        dayOfUtc8(grant.view.nowMs),
        backOff ? Math.round(backOff.delayMs) : '',
        backOff?.class ?? '',
        why ?? '',
      ),
    );
    return this.view(app, reply);
  }

  override async reconcile(
    app: AppName,
    known: { readonly record: TokenRecord | null; readonly committed: number },
  ): Promise<StoreView> {
    const { state, fence } = this.keys(app);
    const record = known.record ? this.codec.fields(app, known.record) : NO_RECORD;
    const [generation, ...fields] = record;
    const reply = await this.connection.run(() =>
      this.connection.client.brokerReconcile(state, fence, generation, known.committed, ...fields),
    );
    return this.view(app, reply);
  }

  private sendBegin(app: AppName, request: BeginRequest): Promise<ScriptReply> {
    const { state, fence, lease } = this.keys(app);
    return this.connection.run(() =>
      this.connection.client.brokerBegin(
        state,
        fence,
        lease,
        request.lease.id,
        request.seenGeneration,
        request.highestKnown,
        request.ignoreBackOff,
        request.budget.daily,
        request.budget.forcedDaily,
        request.forced ? 1 : 0,
      ),
    );
  }

  /** Anybody who may write to Redis can have written anything. */
  private view(app: AppName, reply: ScriptReply): StoreView {
    try {
      return this.codec.view(app, reply);
    } catch (error) {
      const remedy = `Somebody else wrote to its keys: delete ${this.options.keyPrefix}{${app}}:state, and the replicas store what they hold again.`;
      throw new StoreUnavailableError('what Redis holds of this app cannot be read', {
        cause: error,
        remedy,
      });
    }
  }

  private keys(app: AppName): ReturnType<typeof appKeys> {
    return appKeys(this.options.keyPrefix, app);
  }
}
