import { type AppIdentity, identityKey } from '../../core/app-definition.js';
import { StoreUnavailableError } from '../../core/errors.js';
import { DAY_MS } from '../../core/ports/clock.js';
import {
  type AbortRequest,
  type BeginRequest,
  type BeginResult,
  type Changes,
  type CommitRequest,
  type CommitResult,
  type KnownRecord,
  type StoreView,
  TokenStore,
} from '../../core/ports/token-store.js';
import { readableText } from '../../core/redaction/redactor.js';
import { readStoredState } from '../../core/refresh/read-stored-state.js';
import {
  NO_STATE,
  type StoredState,
  type Transition,
  TransitionTable,
} from '../../core/refresh/transitions.js';
import { ChangeList } from './change-list.js';
import { appKeys, legacyKeys } from './keys.js';
import { LegacyState } from './legacy-state.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';
import { type KeyUse, StateSeal, type TokenCipher } from './token-cipher.js';

/** How often a step is taken anew because another replica changed the state first. */
const MAX_ROUNDS = 8;
/** Beyond the token's life: outlasts every back-off and every day's count, after which nothing of the state matters. */
const KEPT_MS = 2 * DAY_MS;
/** Of an app that is configured no more: so long may another replica not know that yet. */
const FORGOTTEN_AFTER_MS = DAY_MS;
const MIN_RESEAL_MS = 60_000;
const MAX_OWNER_CHARACTERS = 200;
const SWAPPED = 1;
const LEASE_LOST = 2;

export interface RedisTokenStoreOptions {
  readonly keyPrefix: string;
  readonly cipher: TokenCipher;
  /** Shared with the lease and the feed. */
  readonly legacy?: LegacyState;
  readonly keyUse?: KeyUse;
  /** Redis does not let the user have a list of changes, or does again. */
  readonly onList?: (isUsable: boolean) => void;
  /** A stored state was sealed with a key that is not configured, or was tampered with. It is replaced by a new fetch. */
  readonly onUnreadable: (app: AppIdentity) => void;
  /** Nothing is stored for this app, but something is for another AppID under its name. `owner` is anybody's text, bounded. */
  readonly onOtherOwner: (app: AppIdentity, owner: string) => void;
}

/** What Redis held at one instant. `sealed` is what a swap compares with. */
interface Loaded {
  readonly sealed: string;
  readonly owner: string;
  readonly nowMs: number;
  readonly isLeaseHeld: boolean;
  /** Version 0.1 may have stored something. */
  readonly mayHaveLegacy: boolean;
}

interface CurrentState {
  readonly state: StoredState;
  /** False: it has to be stored even if the step changes nothing. */
  readonly isStored: boolean;
  /** A broker with other encryption keys uses what is there. */
  readonly isForeign: boolean;
  /** A replica of 0.1 fetches, which began after the lease was taken: whoever begins now has lost its turn. */
  readonly isLegacyFetching: boolean;
}

interface Step<Result> {
  /** Of the protocol, for people who watch Redis. */
  readonly name: 'begin' | 'commit' | 'abort' | 'reconcile';
  readonly take: (state: StoredState, nowMs: number, isLeaseHeld: boolean) => Transition<Result>;
  /** Nothing may be stored unless this lease still holds. */
  readonly leaseId?: string;
}

/**
 * The transition table of the refresh protocol over one sealed value per app, on the clock of Redis: read it, take the
 * step, and store the outcome if the value is still what was read.
 */
export class RedisTokenStore extends TokenStore {
  private readonly table = new TransitionTable();
  private readonly seal: StateSeal;
  private readonly legacy: LegacyState;
  private readonly list: ChangeList;
  /** The last text of each app that could not be opened, so that each is told once. */
  private readonly unreadable = new Map<string, string>();
  private readonly otherOwners = new Set<string>();
  private readonly resealedAtMs = new Map<string, number>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly options: RedisTokenStoreOptions,
  ) {
    super();
    const { cipher, keyPrefix, legacy = new LegacyState(connection, cipher, keyPrefix) } = options;
    this.seal = new StateSeal(cipher, keyPrefix);
    this.legacy = legacy;
    this.list = new ChangeList(connection, keyPrefix, options.onList);
    defineScripts(connection.client);
  }

  override begin(app: AppIdentity, request: BeginRequest): Promise<BeginResult> {
    return this.run(app, {
      name: 'begin',
      take: (state, nowMs, isLeaseHeld) => this.table.begin(state, request, nowMs, isLeaseHeld),
      leaseId: request.lease.id,
    });
  }

  override async commit(app: AppIdentity, request: CommitRequest): Promise<CommitResult> {
    const result = await this.run(app, {
      name: 'commit',
      take: (state, nowMs) => this.table.commit(state, request, nowMs),
    });
    const { record } = result.view;
    if (record?.generation === request.permit.fence) await this.legacy.write(app, record);
    return result;
  }

  override abort(app: AppIdentity, request: AbortRequest): Promise<StoreView> {
    return this.run(app, { name: 'abort', take: (state, nowMs) => this.table.abort(state, request, nowMs) });
  }

  override reconcile(app: AppIdentity, known: KnownRecord): Promise<StoreView> {
    return this.run(app, {
      name: 'reconcile',
      take: (state, nowMs) => this.table.reconcile(state, known, nowMs),
    });
  }

  private async run<Result>(app: AppIdentity, step: Step<Result>): Promise<Result> {
    let loaded = await this.load(app, step.leaseId ?? '');
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const { state, isStored, isForeign, isLegacyFetching } = await this.stateOf(
        app,
        loaded,
        step.leaseId ?? '',
      );
      const { state: next, result } = step.take(state, loaded.nowMs, loaded.isLeaseHeld && !isLegacyFetching);
      if (next === state && isStored && !this.isToBeResealed(app, loaded)) return result;
      // Brokers with other keys would write each other's state over at every reconcile.
      if (isForeign && step.name === 'reconcile') return result;
      const swapped = await this.swap(app, step, loaded, next);
      if (swapped.kind === 'swapped') return result;
      loaded = swapped.loaded;
    }
    throw new StoreUnavailableError(
      `another one changed the state of ${app.name} ${MAX_ROUNDS} times in a row`,
      {
        remedy: `Find out who else writes to keys that begin with ${this.options.keyPrefix}.`,
      },
    );
  }

  override changes(since: string | null): Promise<Changes> {
    return this.list.since(since);
  }

  override async expire(app: AppIdentity): Promise<void> {
    const { state, owner } = this.keys(app);
    await this.connection.run(() =>
      Promise.all([
        this.connection.client.pexpire(state, FORGOTTEN_AFTER_MS),
        this.connection.client.pexpire(owner, FORGOTTEN_AFTER_MS),
      ]),
    );
  }

  private async load(app: AppIdentity, leaseId: string): Promise<Loaded> {
    const { state, owner, lease } = this.keys(app);
    const legacy = legacyKeys(this.options.keyPrefix, app).state;
    const [nowMs, sealed, ownedBy, isLeaseHeld, hasLegacy] = await this.connection.run(() =>
      this.connection.client.brokerLoad(state, owner, lease, legacy, leaseId),
    );
    return {
      sealed,
      owner: ownedBy,
      nowMs,
      isLeaseHeld: isLeaseHeld === 1,
      mayHaveLegacy: hasLegacy === 1,
    };
  }

  private async swap<Result>(
    app: AppIdentity,
    step: Step<Result>,
    { sealed, nowMs: readAtMs }: Loaded,
    next: StoredState,
  ): Promise<{ kind: 'swapped' } | { kind: 'changed'; loaded: Loaded }> {
    const { state, owner, lease } = this.keys(app);
    const key = identityKey(app);
    const text = this.seal.seal(app, next);
    const life = lifeMs(next, readAtMs);
    const [code, nowMs, current, ownedBy] = await this.list.write(key, (noteIn) =>
      this.connection.run(() => {
        const { client } = this.connection;
        const words = [sealed, text, life, key, step.leaseId ?? '', step.name];
        return noteIn === null
          ? client.brokerSwap(state, owner, lease, ...words)
          : client.brokerSwapAndNote(state, owner, lease, noteIn, ...words);
      }),
    );
    if (code === SWAPPED) return { kind: 'swapped' };
    const isLeaseHeld = code !== LEASE_LOST;
    const loaded = { sealed: current, owner: ownedBy, nowMs, isLeaseHeld, mayHaveLegacy: true };
    return { kind: 'changed', loaded };
  }

  private async stateOf(
    app: AppIdentity,
    { sealed, owner, nowMs, mayHaveLegacy }: Loaded,
    leaseId: string,
  ): Promise<CurrentState> {
    // What 0.1 left under the name of another AppID is that AppID's.
    const mayTakeOver = owner === '' || owner === identityKey(app);
    const merge = async (stored: StoredState): Promise<CurrentState> => {
      const { state, isFetching } = await this.legacy.merge(stored, {
        app,
        mayTakeOver,
        leaseId,
        nowMs,
        mayBeThere: mayHaveLegacy,
      });
      return { state, isStored: state === stored, isForeign: false, isLegacyFetching: isFetching };
    };
    if (sealed === '') {
      this.noticeOtherOwner(app, owner);
      return merge(NO_STATE);
    }
    const unsealed = this.seal.open(app, sealed);
    if (unsealed.kind === 'state') {
      this.options.keyUse?.note(app, unsealed.keyId, nowMs);
      return merge(readStoredState(unsealed.value, nowMs));
    }
    const key = identityKey(app);
    if (this.unreadable.get(key) !== sealed) {
      this.unreadable.set(key, sealed);
      this.options.onUnreadable(app);
    }
    const isForeign = unsealed.kind === 'unknown_key';
    return { state: NO_STATE, isStored: true, isForeign, isLegacyFetching: false };
  }

  /**
   * It was sealed with a key that is no longer the first. Not at every look: during a roll-out some replicas have the one
   * in front, and some the other.
   */
  private isToBeResealed(app: AppIdentity, { sealed, nowMs }: Loaded): boolean {
    if (sealed === '' || sealed.startsWith(`${this.options.cipher.currentKeyId}.`)) return false;
    if (this.seal.open(app, sealed).kind !== 'state') return false;
    const key = identityKey(app);
    if (nowMs - (this.resealedAtMs.get(key) ?? -Infinity) < MIN_RESEAL_MS) return false;
    this.resealedAtMs.set(key, nowMs);
    return true;
  }

  /** Said once for each app. */
  private noticeOtherOwner(app: AppIdentity, owner: string): void {
    const key = identityKey(app);
    if (owner === '' || accountOf(owner) === accountOf(key) || this.otherOwners.has(key)) return;
    this.otherOwners.add(key);
    this.options.onOtherOwner(app, readableText(owner, MAX_OWNER_CHARACTERS));
  }

  private keys(app: AppIdentity): ReturnType<typeof appKeys> {
    return appKeys(this.options.keyPrefix, app);
  }
}

/** Until when the state is of use: an app that is configured no longer leaves nothing behind. */
function lifeMs({ record }: StoredState, nowMs: number): number {
  return Math.ceil(Math.max(0, (record?.expiresAtMs ?? 0) - nowMs) + KEPT_MS);
}

/** An identity without its grant. */
function accountOf(key: string): string {
  return key.slice(0, key.lastIndexOf(':'));
}
