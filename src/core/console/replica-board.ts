import { hash } from 'node:crypto';
import type { TokenBroker } from '../broker.js';
import { StoreUnavailableError } from '../errors.js';
import { sleep, type Clock } from '../ports/clock.js';
import type {
  HostReach,
  LastUse,
  LivingReplica,
  ReplicaRegistry,
  ReplicaReport,
} from '../ports/replica-registry.js';
import type { StoreOutage } from '../refresh/store-sync.js';
import type { AppName } from '../token.js';
import { ALL_CLIENTS } from './client-use.js';
import { toldOf } from './platform-reach.js';
import { bytesOf } from './read-stored.js';

const BEAT_MS = 700;
/** A replica that missed two beats. */
const GONE_MS = 2000;
/** The store keeps the generations that a replica shows for 10 minutes after the last time. */
const SHOW_AGAIN_MS = 120_000;
/** Longer than a rotation takes to arrive: two looks so far apart have to agree. */
const LOOK_MS = 3000;
/** Somebody has looked within this time. */
const WATCHED_MS = 15_000;
const MAX_ASKS = 20;
/** The largest report, as JSON. Readers drop a replica that says more than 128 KiB, and the store adds the time. */
const MAX_REPORT_BYTES = 128 * 1024 - 32;
const MAX_ANSWER_MS = 3000;
const LOOK_AGAIN_MS = 100;
/** Last uses of identities are stored in this interval. */
const NOTE_USES_MS = 10_000;

const NONE: readonly string[] = [];
const UNEXPECTED = new StoreUnavailableError('what is stored of the replicas cannot be read');

/** A replica as the console shows it. Times are milliseconds since the Unix epoch. */
export interface ShownReplica {
  readonly id: string;
  readonly version: string;
  readonly startedAtMs: number;
  readonly seenAtMs: number;
  readonly isGone: boolean;
  readonly lagMs: number | null;
  readonly configSha256: string | null;
}

export interface StoreState {
  readonly ok: boolean;
  /** When the outage began; null while there is none. */
  readonly sinceMs: number | null;
  readonly message: string | null;
  readonly remedy: string | null;
}

export interface ReplicaBoardOptions {
  readonly replica: string;
  readonly version: string;
  readonly configSha256: () => string | null;
  /** How the platforms answer this replica. */
  readonly reaches: () => readonly HostReach[];
  /** What this replica knows of an app, or of `ALL_CLIENTS`, for others; as JSON has it. */
  readonly answer: (topic: string) => unknown;
  /** When each identity of a client was used last on this replica; those that never were are left out. */
  readonly lastUses: () => ReadonlyMap<string, number>;
}

/**
 * Which replicas there are, how they fare, and whether they show the same tokens. Costs a command every 0.7 s, however many
 * apps there are; each new generation is stored once, and each new use of an identity within 10 s. The generations of others
 * are read only while somebody looks.
 */
export class ReplicaBoard {
  private replicas: readonly LivingReplica[] = [];
  private heardMonoMs = 0;
  private outage: StoreOutage | null = null;
  private readonly generations = new Map<AppName, number>();
  private readonly changed = new Map<AppName, number>();
  private digest = 0;
  private lagMs: number | null = null;
  private readonly startedAtMs: number;
  private shownMonoMs = -Infinity;
  private watchedMonoMs = -Infinity;
  private lookedMonoMs = -Infinity;
  private readonly asked = new Map<string, number>();
  private readonly noted = new Map<string, number>();
  private notedMonoMs = 0;
  /** Of each replica `<app> <its generation> <ours>`, as the last look found them; and those that two looks found. */
  private differing: ReadonlyMap<string, ReadonlySet<string>> = new Map();
  private disagreeing: ReadonlyMap<AppName, readonly string[]> = new Map();
  private isStopped = false;
  private cancel = (): void => undefined;

  constructor(
    private readonly broker: TokenBroker,
    private readonly registry: ReplicaRegistry,
    private readonly clock: Clock,
    private readonly options: ReplicaBoardOptions,
  ) {
    this.startedAtMs = clock.wallMs();
    broker.subscribeAll((app, { record }) => {
      const definition = broker.definition(app);
      if (!definition || 'parent' in definition) return;
      const { generation, owner, issuedAtMs } = record;
      const isFirst = !this.generations.has(app);
      if (!isFirst && owner !== options.replica) {
        this.lagMs = Math.max(0, Math.round(broker.status(app).nowMs - issuedAtMs));
      }
      this.note(app, generation);
    });
  }

  get replica(): string {
    return this.options.replica;
  }

  get store(): StoreState {
    const { outage } = this;
    return outage ? { ok: false, ...outage } : { ok: true, sinceMs: null, message: null, remedy: null };
  }

  /** This one first. While the store does not answer, as they were when it last did. */
  get all(): readonly ShownReplica[] {
    const sinceMs = this.outage ? 0 : this.clock.monotonicMs() - this.heardMonoMs;
    const others = this.replicas.filter(({ id }) => id !== this.replica);
    const own = { ...this.self(), seenAtMs: this.clock.wallMs(), silentMs: -sinceMs };
    return [own, ...others].map(({ id, version, startedAtMs, seenAtMs, silentMs, lagMs, configSha256 }) => ({
      id,
      version,
      startedAtMs,
      seenAtMs,
      isGone: silentMs + sinceMs > GONE_MS,
      lagMs,
      configSha256,
    }));
  }

  /** How the platforms answer each replica, this one first; of those that live. */
  get reaches(): ReadonlyMap<string, readonly HostReach[]> {
    const told = new Map(this.replicas.map(({ id, platforms }) => [id, platforms]));
    const living = this.all.filter(({ id, isGone }) => !isGone && id !== this.replica);
    return new Map([
      [this.replica, this.options.reaches()],
      ...living.map(({ id }): [string, readonly HostReach[]] => [id, told.get(id) ?? []]),
    ]);
  }

  /** Replicas that show another generation of the app than this one, for longer than a rotation takes to arrive. The same list until it changes. */
  disagreeingOn(app: AppName): readonly string[] {
    return this.disagreeing.get(app) ?? NONE;
  }

  /** Somebody looks: for the next 15 s the generations of others are compared. */
  watch(): void {
    this.watchedMonoMs = this.clock.monotonicMs();
  }

  /**
   * What the others know of an app, or of `ALL_CLIENTS`, by their ids, as far as they said so within the last seconds; asks them to
   * for the next 15 s.
   */
  answersOf(topic: string): ReadonlyMap<string, unknown> {
    this.asked.delete(topic);
    this.asked.set(topic, this.clock.monotonicMs());
    const living = new Set(this.all.filter(({ isGone }) => !isGone).map(({ id }) => id));
    const others = this.replicas.filter(
      ({ id, answers }) => id !== this.replica && living.has(id) && topic in answers,
    );
    return new Map(others.map(({ id, answers }) => [id, answers[topic]]));
  }

  /** The same once all that live have answered, or after 3 s: an answer is two beats of the one who is asked away. */
  async answersOfAll(topic: string): Promise<ReadonlyMap<string, unknown>> {
    const endMonoMs = this.clock.monotonicMs() + MAX_ANSWER_MS;
    for (;;) {
      const answers = this.answersOf(topic);
      const living = this.all.filter(({ id, isGone }) => id !== this.replica && !isGone).length;
      const isOver = this.outage !== null || this.isStopped || this.clock.monotonicMs() >= endMonoMs;
      if (answers.size >= living || isOver) return answers;
      await sleep(this.clock, LOOK_AGAIN_MS);
    }
  }

  /** When each identity of a client was used last, also on replicas that are gone; empty while the store does not answer. */
  async lastUses(): Promise<ReadonlyMap<string, LastUse>> {
    return this.registry.lastUses().catch(() => new Map());
  }

  start(): void {
    void this.beat();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.cancel();
    await this.noteUses().catch(() => undefined);
    await this.registry.leave(this.replica);
  }

  private async beat(): Promise<void> {
    try {
      const replicas = await this.registry.beat(this.report());
      this.replicas = replicas;
      this.heardMonoMs = this.clock.monotonicMs();
      await this.show();
      await this.lookAtOthers();
      if (this.clock.monotonicMs() - this.notedMonoMs >= NOTE_USES_MS) await this.noteUses();
      this.outage = null;
    } catch (error) {
      // Catches every error: nobody's token depends on this.
      const { message, remedy } = error instanceof StoreUnavailableError ? error : UNEXPECTED;
      this.outage = { message, remedy, sinceMs: this.outage?.sinceMs ?? this.clock.wallMs() };
    }
    if (this.isStopped) return;
    this.cancel = this.clock.after(BEAT_MS, () => {
      void this.beat();
    });
  }

  private self(): Omit<ReplicaReport, 'platforms' | 'asks' | 'answers'> {
    const { replica, version, configSha256 } = this.options;
    const { startedAtMs, lagMs, digest } = this;
    return { id: replica, version, startedAtMs, lagMs, configSha256: configSha256(), digest };
  }

  private report(): ReplicaReport {
    const { replica, answer } = this.options;
    const nowMonoMs = this.clock.monotonicMs();
    for (const [app, atMonoMs] of this.asked) {
      if (nowMonoMs - atMonoMs > WATCHED_MS || this.asked.size > MAX_ASKS) this.asked.delete(app);
    }
    const others = this.replicas.filter(({ id }) => id !== replica);
    const wanted = new Set(others.flatMap(({ asks }) => asks).slice(0, MAX_ASKS));
    const platforms = toldOf(this.options.reaches());
    const rest = { ...this.self(), platforms, asks: [...this.asked.keys()] };
    const answers: Record<string, unknown> = {};
    let room = MAX_REPORT_BYTES - bytesOf({ ...rest, answers });
    for (const topic of wanted) {
      if (topic !== ALL_CLIENTS && this.broker.definition(topic) === undefined) continue;
      const answered = answer(topic);
      const bytes = bytesOf({ [topic]: answered });
      if (bytes > room) continue;
      room -= bytes;
      answers[topic] = answered;
    }
    return { ...rest, answers };
  }

  private async noteUses(): Promise<void> {
    this.notedMonoMs = this.clock.monotonicMs();
    const all = [...this.options.lastUses()];
    const news = new Map(all.filter(([identity, atMs]) => atMs > (this.noted.get(identity) ?? -1)));
    await this.registry.noteUses(this.replica, news);
    this.noted.clear();
    for (const [identity, atMs] of all) this.noted.set(identity, atMs);
  }

  private note(app: AppName, generation: number): void {
    const before = this.generations.get(app);
    if (before !== undefined) this.digest = sum(this.digest, -weight(app, before));
    this.digest = sum(this.digest, weight(app, generation));
    this.generations.set(app, generation);
    this.changed.set(app, generation);
  }

  /** What could not be stored is stored with the next beat. */
  private async show(): Promise<void> {
    const nowMonoMs = this.clock.monotonicMs();
    if (this.changed.size === 0 && nowMonoMs - this.shownMonoMs < SHOW_AGAIN_MS) return;
    const isForgotten = nowMonoMs - this.shownMonoMs > 2 * SHOW_AGAIN_MS;
    const changed = new Map(isForgotten ? this.generations : this.changed);
    await this.registry.show(this.replica, changed);
    this.shownMonoMs = nowMonoMs;
    for (const [app, generation] of changed) {
      if (this.changed.get(app) === generation) this.changed.delete(app);
    }
  }

  private async lookAtOthers(): Promise<void> {
    const nowMonoMs = this.clock.monotonicMs();
    if (nowMonoMs - this.watchedMonoMs > WATCHED_MS || nowMonoMs - this.lookedMonoMs < LOOK_MS) return;
    this.lookedMonoMs = nowMonoMs;
    const differing = new Map<string, ReadonlySet<string>>();
    const disagreeing = new Map<AppName, string[]>();
    const gone = new Set(this.all.filter(({ isGone }) => isGone).map(({ id }) => id));
    for (const { id, digest } of this.replicas) {
      if (id === this.replica || digest === this.digest || gone.has(id)) continue;
      const found = new Set<string>();
      const before = this.differing.get(id);
      for (const [app, theirs] of await this.registry.shownBy(id)) {
        const ours = this.generations.get(app);
        if (ours === undefined || ours === theirs || !this.broker.definition(app)) continue;
        const difference = `${app} ${theirs} ${ours}`;
        found.add(difference);
        if (before?.has(difference)) disagreeing.set(app, [...(disagreeing.get(app) ?? []), id]);
      }
      differing.set(id, found);
    }
    this.differing = differing;
    this.disagreeing = disagreeing;
  }
}

/** What one app adds to a sum that does not depend on the order. */
function weight(app: AppName, generation: number): number {
  return parseInt(hash('sha256', `${app} ${generation}`).slice(0, 12), 16);
}

function sum(one: number, other: number): number {
  const modulus = 2 ** 48;
  return (((one + other) % modulus) + modulus) % modulus;
}
