import type { Clock } from '../core/ports/clock.js';
import type { ErrorCode } from '../core/error-code.js';
import type { Logger } from 'pino';
import type { BrokerEvent } from '../core/ports/events.js';
import type { AppName } from '../core/token.js';

const WINDOW_MS = 60_000;

interface Window {
  lines: number;
  suppressed: number;
  readonly cancel: () => void;
  readonly tell: (suppressed: number) => void;
}

/** Lets so many lines of one kind through per minute, and counts the others. Each kind takes memory for its minute. */
export class LineLimit {
  private readonly windows = new Map<string, Window>();

  constructor(
    private readonly clock: Clock,
    private readonly perMinute: number,
    /** How many kinds get lines within a minute, where there may be many kinds. */
    private readonly maxKinds = Infinity,
  ) {}

  /**
   * @param tell is called at the end of the minute if anything was suppressed, with how much that was
   * @param isDueAnyway the line is written whatever the limit says, and counts as one of the minute
   */
  isFree(kind: string, tell: (suppressed: number) => void, isDueAnyway = false): boolean {
    let window = this.windows.get(kind);
    if (window === undefined) {
      if (this.windows.size >= this.maxKinds) return isDueAnyway;
      const cancel = this.clock.after(WINDOW_MS, () => {
        this.end(kind);
      });
      window = { lines: 0, suppressed: 0, cancel, tell };
      this.windows.set(kind, window);
    }
    if (isDueAnyway || window.lines < this.perMinute) {
      window.lines += 1;
      return true;
    }
    window.suppressed += 1;
    return false;
  }

  /** Ends all minutes now, so that no count is lost. */
  close(): void {
    for (const kind of [...this.windows.keys()]) this.end(kind);
  }

  private end(kind: string): void {
    const window = this.windows.get(kind);
    this.windows.delete(kind);
    window?.cancel();
    if (window !== undefined && window.suppressed > 0) window.tell(window.suppressed);
  }
}

/** A limit that has turned nobody away for so long does not bite any more. */
const QUIET_MS = 60_000;
/** At most so many callers have an open episode: strangers have as many addresses as they like. */
const MAX_EPISODES = 100;

interface Episode {
  readonly sinceMonoMs: number;
  lastMonoMs: number;
  refused: number;
}

/** What an ended episode came to. */
export interface EndedEpisode {
  readonly refused: number;
  /** From the first refusal to the last. */
  readonly lastedMs: number;
}

/** From when a limit begins to turn somebody away until it has turned nobody away for a minute. */
export class LimitEpisodes {
  private readonly episodes = new Map<string, Episode>();

  constructor(private readonly clock: Clock) {}

  /**
   * Counts one refusal.
   *
   * @param ended is called at the end of the episode that this refusal begins
   * @returns whether it begins one
   */
  refused(kind: string, ended: (episode: EndedEpisode) => void): boolean {
    const nowMonoMs = this.clock.monotonicMs();
    const running = this.episodes.get(kind);
    if (running) {
      running.refused += 1;
      running.lastMonoMs = nowMonoMs;
      return false;
    }
    if (this.episodes.size >= MAX_EPISODES) return false;
    const episode = { sinceMonoMs: nowMonoMs, lastMonoMs: nowMonoMs, refused: 1 };
    this.episodes.set(kind, episode);
    this.look(kind, episode, ended);
    return true;
  }

  private look(kind: string, episode: Episode, ended: (episode: EndedEpisode) => void): void {
    const leftMs = QUIET_MS - (this.clock.monotonicMs() - episode.lastMonoMs);
    if (leftMs > 0) {
      this.clock.after(leftMs, () => {
        this.look(kind, episode, ended);
      });
      return;
    }
    this.episodes.delete(kind);
    ended({ refused: episode.refused, lastedMs: episode.lastMonoMs - episode.sinceMonoMs });
  }
}

const SUMMARY_MS = 60_000;
/** A trouble that changes its face gets a line for each, up to here. */
const MAX_LINES = 5;
/** Shown in a summary; the others are counted. */
const MAX_REASONS = 5;

type EndedFetch = Extract<BrokerEvent, { kind: 'fetch_ended' }>;

interface Trouble {
  readonly sinceMonoMs: number;
  readonly reasons: Set<string>;
  failures: number;
  last: EndedFetch;
}

/**
 * Lines about fetches that bring no token. Each app gets one when its trouble begins, or takes another reason, and one when
 * it ends; in between there is one for all of them every minute. The platform fails for all apps at once, and each is
 * asked for again and again.
 */
export class FailureLines {
  private readonly troubles = new Map<AppName, Trouble>();
  private untold = 0;
  private cancel: (() => void) | null = null;

  constructor(
    private readonly logger: Logger,
    private readonly clock: Clock,
  ) {}

  /** Returns whether this failure is to have a line of its own. */
  failed(fetch: EndedFetch): boolean {
    const { app } = fetch;
    const trouble = this.troubles.get(app) ?? {
      sinceMonoMs: this.clock.monotonicMs(),
      reasons: new Set(),
      failures: 0,
      last: fetch,
    };
    this.troubles.set(app, trouble);
    trouble.failures += 1;
    trouble.last = fetch;
    const reason = reasonOf(fetch);
    if (!trouble.reasons.has(reason) && trouble.reasons.size < MAX_LINES) {
      trouble.reasons.add(reason);
      return true;
    }
    this.untold += 1;
    this.cancel ??= this.clock.after(SUMMARY_MS, () => {
      this.summarize();
    });
    return false;
  }

  /** The app has a new token. */
  ended(app: AppName): void {
    const trouble = this.troubles.get(app);
    if (!trouble) return;
    this.troubles.delete(app);
    this.logger.info(
      {
        event: 'token.fetch_recovered',
        app,
        failures: trouble.failures,
        lasted_s: Math.round((this.clock.monotonicMs() - trouble.sinceMonoMs) / 1000),
      },
      'there is a new token again; nothing is left to be done',
    );
  }

  /** Tells what was counted and not told yet. */
  close(): void {
    this.cancel?.();
    if (this.untold > 0) this.summarize();
  }

  private summarize(): void {
    this.cancel = null;
    const failures = this.untold;
    this.untold = 0;
    if (this.troubles.size === 0) return;
    const byReason = new Map<
      string,
      { error: string; errcode: ErrorCode | null; remedy: string; apps: number }
    >();
    for (const { last } of this.troubles.values()) {
      const { message, errcode, remedy } = last;
      const known = byReason.get(reasonOf(last));
      if (known) known.apps += 1;
      else byReason.set(reasonOf(last), { error: message ?? '', errcode, remedy: remedy ?? '', apps: 1 });
    }
    const reasons = [...byReason.values()].sort((one, other) => other.apps - one.apps);
    this.logger.warn(
      {
        event: 'token.fetches_failing',
        apps: this.troubles.size,
        failures,
        reasons: reasons.slice(0, MAX_REASONS),
        more_reasons: Math.max(0, reasons.length - MAX_REASONS),
      },
      `${String(this.troubles.size)} apps get no new token; each had a line when that began`,
    );
  }
}

/** The message without its numbers: addresses, ports and request ids differ from one failure to the next. */
function reasonOf({ errcode, message }: EndedFetch): string {
  return errcode === null ? (message ?? '').replace(/\d+/g, '#') : String(errcode);
}
