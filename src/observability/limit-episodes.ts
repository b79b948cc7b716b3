import type { Clock } from '../core/ports/clock.js';

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
