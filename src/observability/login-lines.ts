import type { Logger } from 'pino';
import type { Clock } from '../core/ports/clock.js';
import type { BrokerEvent } from '../core/ports/events.js';
import { LineLimit } from './line-limit.js';

/** Lines about one app and one reason: a fault of an app shows with every user. */
const MAX_LINES_A_MINUTE = 5;
/** Apps and reasons within a minute: a platform that invents errcodes must not fill the log. */
const MAX_KINDS = 1000;

type LoginEvent = Extract<
  BrokerEvent,
  { kind: 'login_exchanged' | 'login_call_refused' | 'login_code_repeated' }
>;
type Exchanged = Extract<LoginEvent, { kind: 'login_exchanged' }>;

/** Lines about logins. A user whose code is no good is no fault of anybody's; what stands in the way of all users is. */
export class LoginLines {
  private readonly limit: LineLimit;

  constructor(
    private readonly logger: Logger,
    clock: Clock,
  ) {
    this.limit = new LineLimit(clock, MAX_LINES_A_MINUTE, MAX_KINDS);
  }

  write(event: LoginEvent): void {
    if (event.kind === 'login_exchanged') this.exchanged(event);
    else if (event.kind === 'login_call_refused') {
      const { app, errcode, message: error, remedy } = event;
      this.limited(app, `call ${String(errcode)}`, () => {
        this.logger.error(
          { event: 'login.call_refused', app, errcode, error, remedy },
          'the platform refuses the app itself',
        );
      });
    } else {
      const { app } = event;
      this.limited(app, 'code_repeated', () => {
        this.logger.info(
          { event: 'login.code_repeated', app },
          'a code came again and was not sent again: a page that was reloaded, or a service that tries again',
        );
      });
    }
  }

  /** Writes what was counted and not told yet. */
  close(): void {
    this.limit.close();
  }

  private exchanged(event: Exchanged): void {
    const { app, surface, outcome, meaning, errcode, durationMs } = event;
    const fields = { event: 'login.exchanged', app, surface, outcome, duration_ms: Math.round(durationMs) };
    if (outcome === 'answered') {
      this.logger.debug(fields, 'a user logged in');
      return;
    }
    const { message: error, remedy } = event;
    const failed = { ...fields, event: 'login.exchange_failed', meaning, errcode, error, remedy };
    this.limited(app, `${outcome} ${String(errcode)}`, () => {
      if (meaning === 'app_misconfigured') {
        this.logger.error(failed, 'the platform refuses the app itself: nobody can log in');
      } else if (outcome !== 'refused')
        this.logger.warn(failed, 'the platform gave no usable answer to a login');
      else this.logger.info(failed, 'the platform refused a code; the user has to log in again');
    });
  }

  private limited(app: string, reason: string, write: () => void): void {
    const isFree = this.limit.isFree(`${app} ${reason}`, (suppressed) => {
      this.logger.warn(
        { event: 'login.lines_suppressed', app, reason, suppressed },
        `${suppressed} more of these within a minute`,
      );
    });
    if (isFree) write();
  }
}
