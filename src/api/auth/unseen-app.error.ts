import { BrokerError } from '../../core/errors.js';
import type { AppName } from '../../core/token.js';

/** A client named an app that it may not see, or that does not exist: to the client the two are the same. */
export class UnseenAppError extends BrokerError {
  constructor(
    detail: string,
    /** The alias of the app that exists; null when none does, for then the name is the caller's own text. */
    readonly app: AppName | null,
  ) {
    super('unknown_app', detail);
  }
}
