import type { AppName } from '../token.js';
import { DAY_MS } from './clock.js';

/** How the calls of one replica to the host of a platform fared. */
export interface HostReach {
  readonly host: string;
  /** On the wall clock of the replica. */
  readonly lastAnswerAtMs: number | null;
  /** Apps whose last call from there got no answer, and which have no newer token of another replica. */
  readonly failingApps: number;
  /** Why the last call got no answer; null: it got one. */
  readonly fault: HostFault | null;
}

export interface HostFault {
  readonly atMs: number;
  readonly message: string | null;
  /** What a person does about it. */
  readonly remedy: string | null;
}

/** Hosts that a replica tells of. Not all: there may be one for each app. */
export const MAX_HOSTS = 20;
/** In characters: a DNS name has 253, and a port may follow. */
export const MAX_HOST = 260;
/** The longest message or remedy, in characters, which take up to 6 bytes each as JSON. */
export const MAX_HOST_TEXT = 600;

/** What a replica tells the others of itself. */
export interface ReplicaReport {
  readonly id: string;
  readonly version: string;
  /** On its wall clock. */
  readonly startedAtMs: number;
  /** From the beginning of the last fetch of another replica until the token was here; null before there was one. */
  readonly lagMs: number | null;
  /** Of its configuration file, in hex; null without one. */
  readonly configSha256: string | null;
  /** The same for two replicas that hold the same generation of every app. */
  readonly digest: number;
  /** How the platforms answer it: of at most `MAX_HOSTS`, fewer where their texts are long, those first that it cannot reach. */
  readonly platforms: readonly HostReach[];
  /** What it wants to know of all others: names of apps, or `*`, how their clients use them. */
  readonly asks: readonly string[];
  /** What it knows of what others ask for. */
  readonly answers: Readonly<Record<string, unknown>>;
}

/** When something was used last, on the wall clock of the replica that it was used on. */
export interface LastUse {
  readonly atMs: number;
  readonly replica: string;
}

/** Last uses are kept for so long. */
export const MAX_UNUSED_MS = 90 * DAY_MS;

export interface LivingReplica extends ReplicaReport {
  /** When it last said so, on the clock of the store. */
  readonly seenAtMs: number;
  /** How long ago that was. */
  readonly silentMs: number;
}

/** A replica that said nothing for so long is forgotten. */
export const MAX_SILENT_MS = 10 * 60_000;

/** The replicas that share a store, as they say themselves. */
export abstract class ReplicaRegistry {
  /**
   * Says that this replica lives.
   *
   * @returns all replicas, this one too, that said so within 10 minutes
   * @throws StoreUnavailableError
   */
  abstract beat(own: ReplicaReport): Promise<readonly LivingReplica[]>;

  /** The replica ends, and is not missed. Never throws. */
  abstract leave(replica: string): Promise<void>;

  /**
   * Stores which generations the replica shows, besides those that it stored before. All are kept for 10 minutes after the last
   * call.
   *
   * @throws StoreUnavailableError
   */
  abstract show(replica: string, changed: ReadonlyMap<AppName, number>): Promise<void>;

  /** @throws StoreUnavailableError */
  abstract shownBy(replica: string): Promise<ReadonlyMap<AppName, number>>;

  /**
   * Stores when identities of clients were last used on this replica, on its wall clock. An earlier time does not replace a later
   * one, and a time more than a minute in the future is ignored. Times are kept for 90 days, also when the replica is gone.
   *
   * @throws StoreUnavailableError
   */
  abstract noteUses(replica: string, uses: ReadonlyMap<string, number>): Promise<void>;

  /**
   * Of all replicas, those too that are gone.
   *
   * @throws StoreUnavailableError
   */
  abstract lastUses(): Promise<ReadonlyMap<string, LastUse>>;
}
