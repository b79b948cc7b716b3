import { Global, Module, type DynamicModule } from '@nestjs/common';
import type { Config } from '../config/config.js';
import { Clock } from '../core/ports/clock.js';
import type { Redactor } from '../core/redaction/redactor.js';
import { SystemClock } from '../core/system-clock.js';
import type { Logger } from '../observability/logger.js';

export interface ConfigSource {
  /** Of the file; null where the environment says all. */
  readonly path: string | null;
  /** @throws ConfigError */
  load(): Config;
  /** What the files look like that the last `load` read, whether one has changed since, and whether all are there. Reads none. */
  look(): { readonly signature: string; readonly isChanged: boolean; readonly isComplete: boolean };
}

/** What there is before the container. */
export abstract class Runtime {
  /** As it was at the start. */
  abstract readonly config: Config;
  /** Where it came from. */
  abstract readonly source: ConfigSource;
  abstract readonly logger: Logger;
  /** Is told of every token while it lives. */
  abstract readonly redactor: Redactor;
  /** Names this process in records. */
  abstract readonly replica: string;
}

/** What all others are made of: the configuration, the log and the time. */
@Global()
@Module({ providers: [{ provide: Clock, useClass: SystemClock }], exports: [Clock] })
export class RuntimeModule {
  static forRoot(runtime: Runtime): DynamicModule {
    const provider = { provide: Runtime, useValue: runtime };
    return { module: RuntimeModule, providers: [provider], exports: [provider] };
  }
}
