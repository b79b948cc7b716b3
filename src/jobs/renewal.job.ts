import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { TokenBroker } from '../core/broker.js';

const TICK_MS = 250;

/** Ticks. What is due, and when, the broker knows. */
@Injectable()
export class RenewalJob {
  constructor(private readonly broker: TokenBroker) {}

  @Interval('renewal', TICK_MS)
  renew(): void {
    this.broker.renewDue();
  }

  @Interval('reconcile', TICK_MS)
  reconcile(): void {
    this.broker.reconcileDue();
  }
}
