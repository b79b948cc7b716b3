import { Global, Injectable, Module } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { statSync } from 'node:fs';
import { ConfigStatus } from '../api/config/config-status.js';
import { GatewayModule } from '../api/gateway/gateway.module.js';
import { TokensModule } from '../api/tokens/tokens.module.js';
import { Runtime } from '../runtime.module.js';
import { LiveConfig } from './live-config.js';
import { SecretFiles } from './secret-files.js';

const LOOK_MS = 500;
/** Looks without the file, until it counts as missing and not as being replaced. */
const MAX_ABSENT_LOOKS = 4;
const ABSENT = 'absent';

/**
 * Looks at the file of the configuration, by its name, since Kubernetes swaps a folder above it. A changed file is read once
 * two looks in a row find it the same: whoever writes it may not be done.
 */
@Injectable()
class ConfigFile {
  /** As it was when it was last read, and when it was last looked at. */
  private readSignature: string;
  private seenSignature = '';
  private absentLooks = 0;

  constructor(
    private readonly runtime: Runtime,
    private readonly live: LiveConfig,
  ) {
    this.readSignature = runtime.source.signature;
  }

  @Interval('config', LOOK_MS)
  look(): void {
    const { path } = this.runtime.source;
    if (path === null) return;
    const signature = signatureOf(path);
    const isSettled = signature === this.seenSignature;
    this.seenSignature = signature;
    this.absentLooks = signature === ABSENT ? this.absentLooks + 1 : 0;
    if (signature === this.readSignature || !isSettled) return;
    if (signature === ABSENT && this.absentLooks < MAX_ABSENT_LOOKS) return;
    this.readSignature = signature;
    this.live.reload();
  }
}

/** Changes with every new content, as far as a look without reading can tell. */
export function signatureOf(path: string | null): string {
  if (path === null) return '';
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats ? [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(' ') : ABSENT;
}

/** The configuration while the broker runs. Needs a global `Callers`. */
@Global()
@Module({
  imports: [GatewayModule, TokensModule],
  providers: [SecretFiles, LiveConfig, ConfigFile, { provide: ConfigStatus, useExisting: LiveConfig }],
  exports: [ConfigStatus],
})
export class LiveConfigModule {}
