import { identityKey, type AppIdentity } from '../../core/app-definition.js';
import { readStoredState } from '../../core/refresh/read-stored-state.js';
import { NO_STATE, type StoredState } from '../../core/refresh/transitions.js';
import type { TokenRecord } from '../../core/token.js';
import { legacyKeys } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import type { TokenCipher } from './token-cipher.js';

/** Whose state it is, and when and for what it was read. */
export interface LegacyReader {
  readonly app: AppIdentity;
  /** Nobody else of today's version has used this name. */
  readonly mayTakeOver: boolean;
  /** Of the lease that the reader holds: if it is that of 0.1 as well, no fetch of 0.1 is under way. Empty: of none. */
  readonly leaseId: string;
  readonly nowMs: number;
  /** False: there was no hash when the state was read, and none is looked for. */
  readonly mayBeThere: boolean;
}

/**
 * What version 0.1 keeps in Redis: a hash per name whose token alone is sealed, a fence and a lease beside it. Replicas of
 * 0.1 may run next to those of today, during an upgrade and on the way back, and each side has to know what the other
 * fetched: what is newer in the hash is merged into today's state, each new token of today is written to the hash, and
 * whoever fetches holds both leases. All of this ends with the hash, a day after the last fetch of 0.1. The hash does not
 * say of which AppID it is: it belongs to the first that takes it over, and is nothing to any other.
 */
export class LegacyState {
  /** Apps of which there is no hash. */
  private readonly gone = new Set<string>();
  /** By name, whose hash was looked for last. */
  private readonly readers = new Map<string, AppIdentity>();

  constructor(
    private readonly connection: RedisConnection,
    private readonly cipher: TokenCipher,
    private readonly keyPrefix: string,
  ) {}

  /** Whether replicas of 0.1 may be running, as far as the last look can tell. */
  isThere(app: AppIdentity): boolean {
    return !this.gone.has(identityKey(app));
  }

  /** A replica of 0.1 has fetched for the app of this name. Returns the app whose state has to be looked at again. */
  heard(name: string): AppIdentity | undefined {
    const app = this.readers.get(name);
    if (app) this.gone.delete(identityKey(app));
    return app;
  }

  /**
   * The state with what 0.1 did since; the very same object where that is nothing. `isFetching`: a replica of 0.1 has its
   * lease, and the reader has not.
   */
  async merge(
    state: StoredState,
    { app, mayTakeOver, leaseId, nowMs, mayBeThere }: LegacyReader,
  ): Promise<{ readonly state: StoredState; readonly isFetching: boolean }> {
    this.readers.set(app.name, app);
    const nothing = { state, isFetching: false };
    if (!mayBeThere) {
      this.gone.add(identityKey(app));
      return nothing;
    }
    const keys = legacyKeys(this.keyPrefix, app);
    const [fence, isUnderLease, ...texts] = await this.connection.run(() =>
      this.connection.client.brokerLegacyRead(
        ...[keys.state, keys.fence, keys.lease],
        identityKey(app),
        mayTakeOver ? '1' : '',
        state.record?.generation ?? 0,
        leaseId,
      ),
    );
    if (texts.length === 0) {
      this.gone.add(identityKey(app));
      return nothing;
    }
    this.gone.delete(identityKey(app));
    const legacy = readStoredState(this.stateOf(app, Number(fence), texts), nowMs);
    // An intent under its lease is a fetch that will end by itself.
    const isFetching = isUnderLease === '1';
    return { state: merged(state, isFetching ? { ...legacy, intent: null } : legacy), isFetching };
  }

  /** Never throws: replicas of 0.1 that are not told fetch for themselves when their token is due. */
  async write(app: AppIdentity, record: TokenRecord): Promise<void> {
    if (!this.isThere(app)) return;
    const { generation, since, value, issuedAtMs, expiresAtMs, owner, reason } = record;
    const fields = {
      generation,
      // Its own: a replica of 0.1 that fetched meanwhile would take any other for a fork, and fetch again.
      base: generation,
      since,
      value: this.cipher.seal([app.name, generation], value),
      issued_at: issuedAtMs,
      expires_at: expiresAtMs,
      owner,
      reason,
    };
    const { state, fence } = legacyKeys(this.keyPrefix, app);
    const written = await this.connection.client
      .brokerLegacyWrite(state, fence, identityKey(app), generation, ...Object.entries(fields).flat())
      .catch(() => 1);
    if (written === 0) this.gone.add(identityKey(app));
  }

  /** What a broker of today would have stored; not yet bounded. */
  private stateOf(app: AppIdentity, fence: number, texts: readonly string[]): unknown {
    const fields = new Map<string, string>();
    for (let at = 0; at + 1 < texts.length; at += 2) fields.set(texts[at] ?? '', texts[at + 1] ?? '');
    const number = (name: string): number => Number(fields.get(name) ?? 0);
    return {
      record: this.record(app, fields),
      fence,
      suspect: number('suspect'),
      rolledBack: number('rolled_back'),
      intent: fields.has('intent') && {
        fence: number('intent'),
        atMs: number('intent_at'),
        inDoubt: fields.get('in_doubt') === '1',
      },
      beganAtMs: number('began_at'),
      backOff: fields.has('wait_until') && {
        untilMs: number('wait_until'),
        class: fields.get('wait_class'),
        ...reasonIn(fields.get('wait_why') ?? ''),
        atMs: number('wait_at'),
      },
      failures: number('failures'),
      day: number('day'),
      // All that was forced, by whomever.
      count: { fetches: number('fetches'), forced: number('forced') },
    };
  }

  private record({ name }: AppIdentity, fields: ReadonlyMap<string, string>): unknown {
    const generation = Number(fields.get('generation') ?? 0);
    const opened = this.cipher.open([name, generation], fields.get('value') ?? '');
    if (opened.kind !== 'opened') return null;
    return {
      generation,
      base: Number(fields.get('base')),
      since: Number(fields.get('since')),
      value: opened.text,
      issuedAtMs: Number(fields.get('issued_at')),
      expiresAtMs: Number(fields.get('expires_at')),
      owner: fields.get('owner'),
      reason: fields.get('reason'),
    };
  }
}

function reasonIn(text: string): object {
  try {
    return Object(JSON.parse(text)) as object;
  } catch {
    return {};
  }
}

/** By maximum. Counts and back-offs stay those of each side, but for a start from nothing. */
function merged(state: StoredState, legacy: StoredState): StoredState {
  if (state === NO_STATE) return legacy;
  const generation = state.record?.generation ?? 0;
  const isNewer = (legacy.record?.generation ?? 0) > generation;
  const record = isNewer ? legacy.record : state.record;
  const newest = record?.generation ?? 0;
  const isOpen = (legacy.intent?.fence ?? 0) > newest;
  const known = isNewer && state.intent?.fence === newest ? null : state.intent;
  const intent = known ?? (isOpen ? legacy.intent : null);
  const suspect = Math.max(state.suspect, legacy.suspect);
  if (!isNewer && intent === state.intent && suspect === state.suspect) return state;
  return {
    ...state,
    ...(isNewer && { backOff: null, failures: 0 }),
    record,
    fence: Math.max(state.fence, legacy.fence, newest),
    suspect,
    rolledBack: Math.max(state.rolledBack, legacy.rolledBack),
    intent,
    beganAtMs: Math.max(state.beganAtMs, legacy.beganAtMs),
  };
}
