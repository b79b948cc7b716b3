import type { Calendar } from './calendar.js';
import { PeriodCounter } from '../period-counter.js';
import { Refusal } from '../refusal.js';

export interface QuotaLimits {
  readonly perDay: number;
  /** Infinity: no limit. */
  readonly perMinute: number;
}

/** How often one app may call one path. */
export class Quota {
  readonly day: PeriodCounter;
  readonly minute: PeriodCounter;

  constructor(limits: QuotaLimits, calendar: Calendar) {
    this.day = new PeriodCounter(limits.perDay, (ms) => calendar.day(ms));
    this.minute = new PeriodCounter(limits.perMinute, (ms) => calendar.minute(ms));
  }

  /** Counts one call, or refuses it without counting. */
  take(nowMs: number): void {
    if (this.minute.isSpent(nowMs)) throw new Refusal(45011);
    if (this.day.isSpent(nowMs)) throw new Refusal(45009);
    this.minute.count(nowMs);
    this.day.count(nowMs);
  }
}
