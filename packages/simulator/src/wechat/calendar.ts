const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
const BEIJING_OFFSET_MS = 8 * 3_600_000;

/** The periods that quotas are counted in. Days and months begin at 00:00 UTC+8, as is commonly believed. */
export class Calendar {
  #skippedDays = 0;

  /** Lets the current day end now; nothing but the quotas takes notice. */
  skipDay(): void {
    this.#skippedDays++;
  }

  minute(ms: number): number {
    return Math.floor(ms / MINUTE_MS);
  }

  day(ms: number): number {
    return Math.floor((ms + BEIJING_OFFSET_MS) / DAY_MS) + this.#skippedDays;
  }

  month(ms: number): number {
    const date = new Date(this.day(ms) * DAY_MS);
    return date.getUTCFullYear() * 12 + date.getUTCMonth();
  }
}
