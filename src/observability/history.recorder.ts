import type { Clock } from '../core/ports/clock.js';
import { EventSink, type BrokerEvent } from '../core/ports/events.js';
import type { History, HistoryEvent } from '../core/ports/history.js';
import type { AppName } from '../core/token.js';
import type { Logger } from './logger.js';

/** Events of this time leave together. */
const GATHER_MS = 200;
const RETRY_MS = 1000;
const MAX_AT_ONCE = 100;
/** While the store is away; then the oldest are dropped. */
const MAX_WAITING = 1000;
/** So many events that agree in all that matters are kept: a caller that hammers, or a fault that lasts for days, must not push the rest out. */
const MAX_ALIKE_AN_HOUR = 10;
const HOUR_MS = 60 * 60 * 1000;
/** Those that began first are forgotten first. */
const MAX_KINDS = 20_000;
const MAX_TEXT = 500;

const DIED_EARLY_REMEDY =
  'Something else fetches with this AppSecret. Find it and have it ask this broker instead, or reset the AppSecret.';

type What = Pick<HistoryEvent, 'kind'> & Partial<HistoryEvent>;

const NOTHING = {
  generation: null,
  fingerprint: null,
  reason: null,
  caller: null,
  result: null,
  errcode: null,
  message: null,
  remedy: null,
  durationMs: null,
};

/** Records what happens to tokens. Nobody waits for it: events gather in memory and leave in batches; while the store is away the newest are kept. */
export class HistoryRecorder extends EventSink {
  private waiting: HistoryEvent[] = [];
  private isScheduled = false;
  private dropped = 0;
  private recorded = 0;
  private readonly alike = new Map<string, { readonly sinceMonoMs: number; count: number }>();
  /** How long the last fetch of each app took: the event that says what became of it follows at once. */
  private readonly fetchMs = new Map<AppName, number>();
  private readonly listeners: ((event: HistoryEvent) => void)[] = [];

  /** @param redact hides what a text has of tokens and secrets */
  constructor(
    private readonly history: History,
    private readonly clock: Clock,
    private readonly replica: string,
    private readonly redact: (text: string) => string,
    private readonly logger: Logger,
  ) {
    super();
  }

  override emit(event: BrokerEvent): void {
    const { app } = event;
    // Of tickets, which are named `<app>/<type>`, the console shows nothing.
    const what = app.includes('/') ? null : this.whatOf(event);
    if (!what) return;
    const { kind, caller, reason, result, errcode } = what;
    // Budgets bound these.
    const isBounded = kind === 'rotated' || kind === 'forced' || result === 'rotated';
    if (!isBounded && !this.isFree([app, kind, caller, reason, result, errcode].join(' '))) return;
    this.recorded += 1;
    const recorded: HistoryEvent = {
      ...NOTHING,
      ...what,
      ...this.shortTexts(what),
      id: `${this.replica}-${this.recorded}`,
      atMs: this.clock.wallMs(),
      app,
      replica: this.replica,
    };
    this.add(recorded);
    for (const listener of this.listeners) listener(recorded);
  }

  /** Calls back at once for each event that is recorded here, for good. Must not throw and must not wait. */
  onRecorded(listener: (event: HistoryEvent) => void): void {
    this.listeners.push(listener);
  }

  /** Resolves when what there was has left, or could not. */
  async flush(): Promise<void> {
    while (this.waiting.length > 0) {
      const batch = this.waiting.slice(0, MAX_AT_ONCE);
      try {
        await this.history.append(batch);
      } catch {
        return;
      }
      const gone = new Set(batch);
      this.waiting = this.waiting.filter((event) => !gone.has(event));
    }
    this.dropped = 0;
  }

  private isFree(kind: string): boolean {
    const nowMonoMs = this.clock.monotonicMs();
    const known = this.alike.get(kind);
    if (known && nowMonoMs - known.sinceMonoMs < HOUR_MS) {
      known.count += 1;
      return known.count <= MAX_ALIKE_AN_HOUR;
    }
    this.alike.delete(kind);
    this.alike.set(kind, { sinceMonoMs: nowMonoMs, count: 1 });
    for (const oldest of this.alike.keys()) {
      if (this.alike.size <= MAX_KINDS) break;
      this.alike.delete(oldest);
    }
    return true;
  }

  private add(event: HistoryEvent): void {
    this.waiting.push(event);
    if (this.waiting.length > MAX_WAITING) {
      this.waiting.shift();
      if (this.dropped === 0) {
        this.logger.warn(
          { event: 'history.dropped', app: event.app },
          'the store has not taken the history of the console for long: the oldest of it is dropped until it does',
        );
      }
      this.dropped += 1;
    }
    if (!this.isScheduled) this.schedule(GATHER_MS);
  }

  private schedule(delayMs: number): void {
    this.isScheduled = true;
    this.clock.after(delayMs, () => {
      void this.flush().then(() => {
        this.isScheduled = false;
        if (this.waiting.length > 0) this.schedule(RETRY_MS);
      });
    });
  }

  /** Null for what is of no interest afterwards. */
  private whatOf(event: BrokerEvent): What | null {
    switch (event.kind) {
      case 'fetch_ended': {
        const { reason, outcome, errcode, message, remedy, durationMs } = event;
        if (outcome === 'issued') {
          this.fetchMs.set(event.app, durationMs);
          return null;
        }
        return { kind: 'fetch_failed', reason, result: outcome, errcode, message, remedy, durationMs };
      }
      case 'rotated': {
        const { generation, fingerprint, reason, sameValue, isStored } = event;
        const durationMs = this.fetchMs.get(event.app) ?? null;
        this.fetchMs.delete(event.app);
        const result = sameValue ? 'same_token' : isStored ? 'new_token' : 'not_stored';
        return { kind: 'rotated', generation, fingerprint, reason, result, durationMs };
      }
      case 'reported': {
        const { generation, fingerprint, caller, result, errcode, durationMs, forced } = event;
        const reason = forced?.why ?? null;
        const kind = forced ? 'forced' : 'reported';
        return { kind, generation, fingerprint, caller, result, errcode, durationMs, reason };
      }
      case 'suspected':
        return { kind: 'suspected', generation: event.generation, reason: event.why };
      case 'healed':
        return { kind: 'healed', generation: event.generation };
      case 'died_early': {
        const [age, left] = [event.ageMs, event.leftMs].map((ms) => String(Math.floor(ms / 1000)));
        const message = `refused when it was ${age ?? ''} s old, ${left ?? ''} s before its end`;
        return { kind: 'died_early', generation: event.generation, message, remedy: DIED_EARLY_REMEDY };
      }
      case 'probed': {
        const { outcome, errcode = null, caller = null, durationMs } = event;
        return { kind: 'probed', caller, result: outcome, errcode, durationMs };
      }
      default:
        return null;
    }
  }

  private shortTexts({ message, reason, durationMs }: What): Partial<HistoryEvent> {
    const short = (text: string): string => this.redact(text).slice(0, MAX_TEXT);
    return {
      ...(message != null && { message: short(message) }),
      ...(reason != null && { reason: short(reason) }),
      ...(durationMs != null && { durationMs: Math.round(durationMs) }),
    };
  }
}
