import type { BrokerPorts } from '../ports/broker-ports.js';
import { StoreUnavailableError } from '../errors.js';
import type { Changes } from '../ports/token-store.js';
import { inTurns, isPause, type Scheduler, type Task } from './scheduler.js';

/** How many apps are read in a second where many are to be read soon. */
const READS_PER_SECOND = 500;
/** Reads at a time at the start. */
const MAX_READS = 100;

/** How often apps are read that the list of changes does not name. */
export interface SweepSettings {
  /** Each of them within 1.25 times this. */
  readonly periodMs: number;
  /** At least so many in a reconcile interval: a broker with no more apps reads each of them every time. */
  readonly minPerInterval: number;
}

/** Within 250 s: a classic token that was replaced without notice lives for 300 s. */
const SWEEP: SweepSettings = { periodMs: 200_000, minPerInterval: 10 };

/** Keeps one app, and reads its state from the store. */
export interface AppReader {
  readonly app: { readonly refresh: { readonly reconcileMs: number } };
  reconcile(): Promise<unknown>;
  /** Reads within this time, at a moment of its own. */
  reconcileWithin(ms: number): void;
  /** The store may have failed over. */
  reconcileSoon(withinMs: number): void;
  /** Nothing has changed since the process went on after a pause. */
  noteUnchanged(): void;
  /** The last read got no answer. */
  readonly isStoreAway: boolean;
}

/** Asks the store once in an interval which apps have changed, and has those read; the others are read now and then. */
export class ChangeWatch implements Task {
  readonly isBusy = false;
  readonly wantsPlatform = false;
  private cursor: string | null = null;
  /** The list can be read, so that the other apps need no reading. */
  private isListed = false;
  private lookAtMonoMs = Infinity;
  private looking: Promise<void> | null = null;
  /** Pauses of the process, and those of them after which a look has begun. */
  private pauses = 0;
  private lookedAfter = 0;
  private isStopping = false;
  private knownIntervalMs: number | null = null;

  constructor(
    private readonly readers: ReadonlyMap<string, AppReader>,
    private readonly ports: Pick<BrokerPorts, 'clock' | 'store'>,
    private readonly scheduler: Scheduler,
    private readonly sweep: SweepSettings = SWEEP,
  ) {}

  /** Begins with reading every app, a bounded number at a time. Resolves when that is over, or the store does not answer. */
  async start(): Promise<void> {
    await this.look();
    const left = [...this.readers.values()];
    let isAway = false;
    const work = async (): Promise<void> => {
      for (let next = left.shift(); next; next = left.shift()) {
        if (isAway) next.reconcileWithin(this.spreadMs(this.readers.size));
        else await next.reconcile();
        isAway ||= next.isStoreAway;
      }
    };
    await Promise.all(Array.from({ length: MAX_READS }, work));
  }

  get nextMonoMs(): number {
    if (this.looking || this.isStopping) return Infinity;
    return this.pauses > this.lookedAfter ? this.ports.clock.monotonicMs() : this.lookAtMonoMs;
  }

  runDue(): void {
    void this.look();
  }

  resumeAfter(pauseMs: number): void {
    if (!isPause(pauseMs, this.intervalMs)) return;
    this.pauses += 1;
    void this.look();
  }

  /** Apps were added or removed, or their settings have changed. */
  replan(): void {
    this.knownIntervalMs = null;
  }

  /** Everything may have changed without being listed. */
  readAll(): void {
    const withinMs = this.spreadMs(this.readers.size);
    inTurns(this.ports.clock, this.readers.values(), (reader) => {
      reader.reconcileSoon(Math.max(withinMs, Math.min(1000, reader.app.refresh.reconcileMs)));
    });
  }

  readThese(readers: readonly AppReader[]): void {
    const withinMs = this.spreadMs(readers.length);
    inTurns(this.ports.clock, readers, (reader) => {
      reader.reconcileWithin(withinMs);
    });
  }

  /** How long after its last read an app is read again. */
  periodMs(reconcileMs: number, isInTrouble: boolean): number {
    const { size } = this.readers;
    const { periodMs, minPerInterval } = this.sweep;
    const sweepMs = Math.min(periodMs, (reconcileMs * size) / minPerInterval);
    return Math.max(reconcileMs, isInTrouble || !this.isListed ? this.spreadMs(size) : sweepMs);
  }

  /** Looks no more. Resolves when the last look is over. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.looking;
  }

  private spreadMs(count: number): number {
    return (count / READS_PER_SECOND) * 1000;
  }

  /** The shortest of the apps. */
  private get intervalMs(): number {
    if (this.knownIntervalMs !== null) return this.knownIntervalMs;
    let intervalMs = Infinity;
    for (const { app } of this.readers.values()) intervalMs = Math.min(intervalMs, app.refresh.reconcileMs);
    return (this.knownIntervalMs = intervalMs);
  }

  private async look(): Promise<void> {
    if (this.looking || this.isStopping) return;
    this.looking = this.lookOnce();
    this.scheduler.update(this);
    await this.looking.finally(() => {
      this.looking = null;
      this.scheduler.update(this);
    });
  }

  private async lookOnce(): Promise<void> {
    const { clock } = this.ports;
    this.lookAtMonoMs = clock.monotonicMs() + this.intervalMs * (0.8 + 0.45 * clock.random());
    const { isListed: wasListed, pauses } = this;
    const isResuming = pauses > this.lookedAfter;
    this.lookedAfter = pauses;
    const changes = await this.ask();
    this.isListed = changes.kind === 'since' || changes.kind === 'gap';
    if ('cursor' in changes) this.cursor = changes.cursor;
    const keys = changes.kind === 'since' && wasListed ? changes.keys : null;
    const isWorse = wasListed && !this.isListed;
    if (keys) this.readThese([...keys].flatMap((key) => this.readers.get(key) ?? []));
    // Only what was away may have lost a claim.
    else if (isWorse) this.readThese([...this.readers.values()]);
    else if (this.isListed || isResuming) this.readAll();
    // Of a store that is away nobody can tell more than memory holds.
    const isAnswer = keys !== null || changes.kind === 'unavailable';
    if (!isResuming || this.pauses > pauses || !isAnswer) return;
    for (const [key, reader] of this.readers) if (!keys?.has(key)) reader.noteUnchanged();
  }

  private ask(): Promise<Changes | { readonly kind: 'unavailable' }> {
    return this.ports.store.changes(this.cursor).catch((error: unknown) => {
      if (error instanceof StoreUnavailableError) return { kind: 'unavailable' };
      throw error;
    });
  }
}
