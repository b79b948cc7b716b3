import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { RenewalJob } from './renewal.job.js';

export interface JobsModuleOptions {
  /** Modules that export `TokenBroker`. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
}

/** The timers. They start when the application has started, and stop with it. */
@Module({})
export class JobsModule {
  static register({ imports }: JobsModuleOptions): DynamicModule {
    return {
      module: JobsModule,
      imports: [ScheduleModule.forRoot(), ...imports],
      providers: [RenewalJob],
    };
  }
}
