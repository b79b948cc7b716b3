import type { Logger } from 'pino';
import type { Clock } from '../core/ports/clock.js';
import { EventSink, type BrokerEvent } from '../core/ports/events.js';
import { LineLimit, FailureLines } from './line-limit.js';
import { LoginLines } from './login-lines.js';

/** Of reports that one caller makes of one app with one result. */
const MAX_REPORTS_A_MINUTE = 60;
/** The store is lost for all apps at once. */
const MAX_OF_STORE_A_MINUTE = 20;
/** A start finds the tokens of all apps at once. */
const MAX_FOUND_A_MINUTE = 20;

type EventOf<Kind extends BrokerEvent['kind']> = Extract<BrokerEvent, { kind: Kind }>;

/** One line for every event that matters to whoever runs the broker; `event` names are stable. */
export class LogObserver extends EventSink {
  private readonly reports: LineLimit;
  private readonly store: LineLimit;
  private readonly found: LineLimit;
  private readonly failures: FailureLines;
  private readonly logins: LoginLines;

  constructor(
    private readonly logger: Logger,
    clock: Clock,
  ) {
    super();
    this.reports = new LineLimit(clock, MAX_REPORTS_A_MINUTE);
    this.store = new LineLimit(clock, MAX_OF_STORE_A_MINUTE);
    this.found = new LineLimit(clock, MAX_FOUND_A_MINUTE);
    this.failures = new FailureLines(logger, clock);
    this.logins = new LoginLines(logger, clock);
  }

  override emit(event: BrokerEvent): void {
    const { logger } = this;
    const { kind, app, ...rest } = event;
    switch (event.kind) {
      case 'fetch_started':
        logger.debug({ event: 'token.fetch_started', app, ...rest }, 'asking the platform for a token');
        return;
      case 'fetch_ended':
        this.fetchEnded(event);
        return;
      case 'rotated':
        this.failures.ended(app);
        logger.info(
          {
            event: 'token.rotated',
            app,
            generation: event.generation,
            token_sha256_8: event.fingerprint,
            reason: event.reason,
            expires_in: Math.floor(event.expiresInMs / 1000),
          },
          event.sameValue ? 'the platform gave the same token again' : 'new token',
        );
        return;
      case 'adopted':
        this.adopted(event);
        return;
      case 'superseded':
        logger.warn(
          { event: 'token.superseded', app, ...rest },
          'another fetch was stored before this one; the stored token is verified by a new fetch',
        );
        return;
      case 'suspected':
        logger.warn(
          { event: 'token.suspected', app, ...rest },
          'an earlier request may have replaced this token; it is served and will be fetched anew',
        );
        return;
      case 'healed':
        logger.info({ event: 'token.healed', app, ...rest }, 'the token is certain again');
        return;
      case 'reported':
        this.reported(event);
        return;
      case 'died_early':
        logger.warn(
          {
            event: 'token.died_early',
            app,
            generation: event.generation,
            age_s: Math.floor(event.ageMs / 1000),
            left_s: Math.floor(event.leftMs / 1000),
          },
          'the platform refused this token long before its time although no replica replaced it: something else fetches with this AppSecret; find it and have it ask this broker instead, or reset the AppSecret',
        );
        return;
      case 'claim_refused':
        logger.error(
          { event: 'claim.refused', app, holder: event.holder },
          'another broker on this Redis fetches for this AppID, so this one does not: they would kill each other’s tokens; see the remedy in GET /apps',
        );
        return;
      case 'claim_won':
        logger.info(
          { event: 'claim.won', app, holder: event.holder },
          'the other broker let go of this AppID: this one fetches for it',
        );
        return;
      case 'store_unavailable':
        this.ofStore(event.kind, () => {
          logger.error(
            { event: 'store.unavailable', app, ...rest },
            'the store cannot be used; serving from memory',
          );
        });
        return;
      case 'store_available':
        this.ofStore(event.kind, () => {
          logger.info({ event: 'store.available', app }, 'the store answers again');
        });
        return;
      case 'probed':
        logger.debug(
          {
            event: 'token.probed',
            app,
            outcome: event.outcome,
            errcode: event.errcode,
            duration_ms: Math.round(event.durationMs),
          },
          'asked the platform whether it takes the token',
        );
        return;
      case 'found_token_tried':
        this.foundTokenTried(event);
        return;
      case 'lease':
        logger.debug({ event: `token.${kind}`, app, ...rest }, 'asked for the right to fetch');
        return;
      case 'login_exchanged':
      case 'login_call_refused':
      case 'login_code_repeated':
        this.logins.write(event);
    }
  }

  /** Writes what was counted and not told yet. */
  close(): void {
    this.reports.close();
    this.store.close();
    this.found.close();
    this.failures.close();
    this.logins.close();
  }

  private adopted({ app, generation, fingerprint, isFound }: EventOf<'adopted'>): void {
    this.failures.ended(app);
    const tell = (suppressed: number): void => {
      const event = 'token.adopted_lines_suppressed';
      this.logger.info(
        { event, suppressed },
        `${suppressed} more stored tokens were taken over at the start`,
      );
    };
    if (isFound && !this.found.isFree('found', tell)) return;
    this.logger.info(
      { event: 'token.adopted', app, generation, token_sha256_8: fingerprint },
      isFound ? 'took over the token that was stored' : 'took over the token that another replica fetched',
    );
  }

  private ofStore(kind: 'store_unavailable' | 'store_available', write: () => void): void {
    const isFree = this.store.isFree(kind, (suppressed) => {
      const event = 'store.lines_suppressed';
      this.logger.warn(
        { event, suppressed },
        `${suppressed} more lines like ${kind.replace('_', '.')} within a minute`,
      );
    });
    if (isFree) write();
  }

  private reported({
    app,
    caller,
    result,
    errcode,
    generation,
    fingerprint,
    durationMs,
  }: EventOf<'reported'>): void {
    const who = { app, caller, result };
    const isFree = this.reports.isFree(Object.values(who).join(' '), (suppressed) => {
      this.logger.warn(
        { event: 'token.reports_suppressed', ...who, suppressed },
        'a caller reports all the time: it should take the token that a report answers with',
      );
    });
    if (!isFree) return;
    this.logger.info(
      {
        event: 'token.reported',
        ...who,
        errcode,
        generation,
        token_sha256_8: fingerprint,
        duration_ms: Math.round(durationMs),
      },
      `a caller reported the token: ${result}`,
    );
  }

  private foundTokenTried({ app, generation, outcome }: EventOf<'found_token_tried'>): void {
    const fields = { event: 'token.found_tried', app, generation, outcome };
    if (outcome === 'accepted') this.logger.debug(fields, 'the platform takes the stored token');
    else if (outcome === 'rejected') {
      this.logger.warn(
        fields,
        'the platform refuses the stored token, which is not served: fetching a new one',
      );
    } else
      this.logger.warn(fields, 'the platform gave no answer about the stored token, which is served untried');
  }

  private fetchEnded(event: EventOf<'fetch_ended'>): void {
    const fields = {
      event: 'token.fetch_ended',
      app: event.app,
      reason: event.reason,
      outcome: event.outcome,
      duration_ms: Math.round(event.durationMs),
      ...(event.outcome !== 'issued' && {
        errcode: event.errcode,
        error: event.message,
        remedy: event.remedy,
        retry_in_s: event.retryInMs === null ? null : Math.ceil(event.retryInMs / 1000),
      }),
    };
    if (event.outcome === 'issued') {
      const remark = event.message;
      if (remark === null) this.logger.debug(fields, 'the platform gave a token');
      else this.logger.info({ ...fields, remark }, 'the platform gave a token in an answer that is odd');
    } else if (!this.failures.failed(event))
      this.logger.debug(fields, 'still no token; see token.fetches_failing');
    else if (event.outcome === 'refused') this.logger.error(fields, 'the platform refused to give a token');
    else this.logger.warn(fields, 'the platform gave no usable answer');
  }
}
