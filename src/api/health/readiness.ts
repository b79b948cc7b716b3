import { Injectable } from '@nestjs/common';
import { TokenBroker } from '../../core/broker.js';

export type ReadinessState = 'starting' | 'ready' | 'stopping';

/** Whether this replica wants requests. Once ready it stays ready, whatever the platform or the store do, until it stops. */
@Injectable()
export class Readiness {
  private wasReady = false;
  /** Set by `stopping`. */
  isStopping = false;

  constructor(private readonly broker: TokenBroker) {}

  get state(): ReadinessState {
    if (this.isStopping) return 'stopping';
    this.wasReady ||= this.broker.isReady;
    return this.wasReady ? 'ready' : 'starting';
  }

  /** From now on readiness fails, and answers ask their callers to reconnect elsewhere. */
  stopping(): void {
    this.isStopping = true;
  }
}
