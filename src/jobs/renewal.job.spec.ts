import { jest } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TokenBroker } from '../core/broker.js';
import { JobsModule } from './jobs.module.js';

describe('RenewalJob', () => {
  const ticks = { runs: 0 };

  @Module({
    providers: [
      {
        provide: TokenBroker,
        useValue: {
          runDue: () => (ticks.runs += 1),
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
    expect(ticks).toEqual({ runs: 4 });

    await app.close();
    jest.advanceTimersByTime(1000);
    expect(ticks).toEqual({ runs: 4 });
  });
});
