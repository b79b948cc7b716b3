import { Injectable, Module } from '@nestjs/common';
import { Interval, ScheduleModule } from '@nestjs/schedule';
import { TokenBroker } from '../core/broker.js';

const TICK_MS = 250;

/** Ticks. What is due, and when, the broker's scheduler knows. */
@Injectable()
class RenewalJob {
  constructor(private readonly broker: TokenBroker) {}

  @Interval('due', TICK_MS)
  run(): void {
    this.broker.runDue();
  }
}

/** The timers. They start when the application has started, and stop with it. Needs a global `TokenBroker`. */
@Module({ imports: [ScheduleModule.forRoot()], providers: [RenewalJob] })
export class JobsModule {}
