import { Injectable } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { TokenBroker } from '../core/broker.js';

const TICK_MS = 250;

/** Ticks. What is due, and when, the broker's scheduler knows. */
@Injectable()
export class RenewalJob {
  constructor(private readonly broker: TokenBroker) {}

  @Interval('due', TICK_MS)
  run(): void {
    this.broker.runDue();
  }
}
