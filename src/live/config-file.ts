import { Global, Injectable, Module } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ConfigStatus } from '../api/config/config.controller.js';
import { GatewayModule } from '../api/gateway/gateway.module.js';
import { TokensModule } from '../api/tokens/tokens.module.js';
import { Runtime } from '../composition/runtime.module.js';
import { KeyExpiry } from './key-expiry.js';
import { LiveConfig } from './live-config.js';
import { SecretFiles } from './secret-files.js';

const LOOK_MS = 500;
/** Looks without a file, until it counts as missing and not as being replaced. */
const MAX_ABSENT_LOOKS = 3;

/**
 * Looks at the files of the configuration, by their names, since Kubernetes swaps a folder above them. Once one has changed, they are
 * read as soon as two looks in a row find them the same: whoever writes may not be done.
 */
@Injectable()
class ConfigWatch {
  private seen = '';
  private absentLooks = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly live: LiveConfig,
  ) {}

  @Interval('config', LOOK_MS)
  look(): void {
    const { source } = this.runtime;
    if (source.path === null) return;
    const { signature, isChanged, isComplete } = source.look();
    const isStable = signature === this.seen;
    this.seen = signature;
    this.absentLooks = isComplete ? 0 : this.absentLooks + 1;
    if (!isChanged || !isStable) return;
    if (!isComplete && this.absentLooks < MAX_ABSENT_LOOKS) return;
    this.live.reload();
  }
}

/** The configuration while the broker runs. Needs a global `Callers`. */
@Global()
@Module({
  imports: [GatewayModule, TokensModule],
  providers: [
    SecretFiles,
    KeyExpiry,
    LiveConfig,
    ConfigWatch,
    { provide: ConfigStatus, useExisting: LiveConfig },
  ],
  exports: [ConfigStatus],
})
export class LiveConfigModule {}
