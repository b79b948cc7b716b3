import type { RefreshSettings } from '../app-definition.js';
import type { Clock } from '../ports/clock.js';
import { isPause, type ChangeWatch } from './change-watch.js';

/** A read that is to happen within less than this happens at once. */
const AT_ONCE_MS = 100;

/** When an app's state is read from the store next, and what memory proves until then. */
export class ReadPlan {
  /** The state was read, or the store was asked for it, since the process started. */
  hasRead = false;
  private readMonoMs: number;
  /** The factor of the usual time after which it is read again. */
  private jitter = 1;
  private isSpreadAnew = true;
  /** When it is to be read without waiting for that. */
  private soonMonoMs = Infinity;
  /** The process stood still: others may have rotated long ago. */
  private wasPaused = false;

  constructor(
    private readonly refresh: Pick<RefreshSettings, 'reconcileMs'>,
    private readonly clock: Clock,
    private readonly watch: Pick<ChangeWatch, 'periodMs'>,
  ) {
    this.readMonoMs = clock.monotonicMs();
  }

  begin(): void {
    this.readMonoMs = this.clock.monotonicMs();
    this.soonMonoMs = Infinity;
    // Apps that were read together are not read together again.
    this.jitter = this.isSpreadAnew ? 1.25 * this.clock.random() : 0.8 + 0.45 * this.clock.random();
    this.isSpreadAnew = false;
  }

  /** Whatever came of it. */
  end(): void {
    this.hasRead = true;
    this.wasPaused = false;
  }

  within(ms: number): void {
    const waitMs = ms < AT_ONCE_MS ? 0 : ms * this.clock.random();
    this.soonMonoMs = Math.min(this.soonMonoMs, this.clock.monotonicMs() + waitMs);
  }

  /** All apps are about to be read; they shall not be read together again. */
  spreadAnew(): void {
    this.isSpreadAnew = true;
  }

  resumeAfter(pauseMs: number): void {
    this.wasPaused ||= isPause(pauseMs, this.refresh.reconcileMs);
  }

  /** The list of changes says that nothing was missed in a pause. */
  noteUnchanged(): void {
    this.wasPaused = false;
  }

  /** @param isInTrouble the store does not answer, or has not been told everything */
  dueMonoMs(isInTrouble: boolean): number {
    const periodMs = this.watch.periodMs(this.refresh.reconcileMs, isInTrouble);
    return Math.min(this.soonMonoMs, this.readMonoMs + periodMs * this.jitter);
  }

  /** Right after a long pause memory proves nothing. `sinceRunMs`: since the scheduler ran. */
  mustRead(sinceRunMs: number): boolean {
    return this.wasPaused || isPause(sinceRunMs, this.refresh.reconcileMs);
  }
}
