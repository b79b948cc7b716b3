import { StoreUnavailableError } from '../errors.js';
import { sleep, type Clock } from '../ports/clock.js';

const ATTEMPTS = 3;
const RETRY_MS = 300;

/**
 * Stores what would be lost otherwise, such as what a code was spent for: a store that is away for a moment is tried again.
 * The write must be one that may be done twice.
 *
 * @throws StoreUnavailableError when it stays away
 */
export async function storedInTime<T>(clock: Clock, write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || attempt === ATTEMPTS) throw error;
      await sleep(clock, RETRY_MS);
    }
  }
}
