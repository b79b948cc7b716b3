import type { Logger } from 'pino';
import { Observer, type BrokerFact } from '../core/observer.js';

type FactOf<Kind extends BrokerFact['kind']> = Extract<BrokerFact, { kind: Kind }>;

/** One line for every fact that matters to whoever runs the broker; `event` names are stable. */
export class LogObserver extends Observer {
  constructor(private readonly logger: Logger) {
    super();
  }

  override notice(fact: BrokerFact): void {
    const { logger } = this;
    const { kind, app, ...rest } = fact;
    switch (fact.kind) {
      case 'fetch_started':
        logger.debug({ event: 'token.fetch_started', app, ...rest }, 'asking the platform for a token');
        return;
      case 'fetch_ended':
        this.fetchEnded(fact);
        return;
      case 'rotated':
        logger.info(
          {
            event: 'token.rotated',
            app,
            generation: fact.generation,
            reason: fact.reason,
            expires_in: Math.floor(fact.expiresInMs / 1000),
          },
          fact.sameValue ? 'the platform gave the same token again' : 'new token',
        );
        return;
      case 'adopted':
        logger.info(
          { event: 'token.adopted', app, ...rest },
          'took over the token that another replica fetched',
        );
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
        logger.info({ event: 'token.reported', app, ...rest }, `a caller reported the token: ${fact.result}`);
        return;
      case 'store_unavailable':
        logger.error(
          { event: 'store.unavailable', app, ...rest },
          'the store gives no answer; serving from memory',
        );
        return;
      case 'store_available':
        logger.info({ event: 'store.available', app }, 'the store answers again');
        return;
      case 'probed':
      case 'lease':
        logger.debug({ event: `token.${kind}`, app, ...rest });
    }
  }

  private fetchEnded(fact: FactOf<'fetch_ended'>): void {
    const fields = {
      event: 'token.fetch_ended',
      app: fact.app,
      reason: fact.reason,
      outcome: fact.outcome,
      duration_ms: Math.round(fact.durationMs),
      ...(fact.outcome !== 'issued' && {
        errcode: fact.errcode,
        error: fact.message,
        remedy: fact.remedy,
        retry_in_s: fact.retryInMs === null ? null : Math.ceil(fact.retryInMs / 1000),
      }),
    };
    if (fact.outcome === 'issued') this.logger.debug(fields, 'the platform gave a token');
    else if (fact.outcome === 'refused') this.logger.error(fields, 'the platform refused to give a token');
    else this.logger.warn(fields, 'the platform gave no usable answer');
  }
}
