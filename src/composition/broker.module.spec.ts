import { jest } from '@jest/globals';
import { Global, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TokenBroker } from '../core/broker.js';
import { JobsModule } from './broker.module.js';

describe('JobsModule', () => {
  const ticks = { runs: 0 };

  @Global()
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

  @Module({ imports: [FakeCoreModule, JobsModule] })
  class TestModule {}

  afterEach(() => {
    jest.useRealTimers();
  });

  it('ticks four times a second from the start of the application to its end', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate'] });
    const app = await NestFactory.createApplicationContext(TestModule, { logger: false });
    jest.advanceTimersByTime(1000);
    expect(ticks).toEqual({ runs: 4 });

    await app.close();
    jest.advanceTimersByTime(1000);
    expect(ticks).toEqual({ runs: 4 });
  });
});
