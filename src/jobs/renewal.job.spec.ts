import { jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TokenBroker } from '../core/broker.js';
import { JobsModule } from './jobs.module.js';

describe('RenewalJob', () => {
  const ticks = { renewals: 0, reconciliations: 0 };

  @Module({
    providers: [
      {
        provide: TokenBroker,
        useValue: {
          renewDue: () => (ticks.renewals += 1),
          reconcileDue: () => (ticks.reconciliations += 1),
        },
      },
    ],
    exports: [TokenBroker],
  })
  class FakeCoreModule {}

  afterEach(() => {
    jest.useRealTimers();
  });

  it('ticks four times a second from the start of the application to its end', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const app = await NestFactory.createApplicationContext(
      JobsModule.register({ imports: [FakeCoreModule] }),
      {
        logger: false,
      },
    );
    jest.advanceTimersByTime(1000);
    expect(ticks).toEqual({ renewals: 4, reconciliations: 4 });

    await app.close();
    jest.advanceTimersByTime(1000);
    expect(ticks).toEqual({ renewals: 4, reconciliations: 4 });
  });
});
