import { statSync } from 'node:fs';
import type { Config } from '../config/config.js';
import { loadConfig, type LoadConfigOptions } from '../config/load-config.js';
import { type ConfigSource, Runtime } from '../composition/runtime.module.js';
import { Global, Injectable, Module } from '@nestjs/common';
import { Interval } from '@nestjs/schedule';
import { ConfigStatus } from '../api/config/config.controller.js';
import { GatewayModule } from '../api/gateway/gateway.module.js';
import { TokensModule } from '../api/tokens/tokens.module.js';
import { KeyExpiry } from './key-expiry.js';
import { LiveConfig } from './live-config.js';
import { SecretFiles } from './secret-files.js';

const ABSENT = 'absent';

/** The file of the configuration and all those that it is read with, and what each looked like then. */
export class ConfigFiles implements ConfigSource {
  private read = new Map<string, string>();

  constructor(
    private readonly env: NodeJS.ProcessEnv,
    private readonly options: LoadConfigOptions,
  ) {}

  get path(): string | null {
    const { BROKER_CONFIG: path = '' } = this.env;
    return path === '' ? null : path;
  }

  load(): Config {
    const read = new Map<string, string>();
    this.read = read;
    // What a file looks like before it is read: a change while it is read is seen by the next look.
    return loadConfig(this.env, {
      ...this.options,
      onFile: (path) => {
        read.set(path, signatureOf(path));
      },
    });
  }

  look(): { readonly signature: string; readonly isChanged: boolean; readonly isComplete: boolean } {
    const now = [...this.read.keys()].map(signatureOf);
    return {
      signature: now.join('\n'),
      isChanged: [...this.read.values()].some((before, index) => before !== now[index]),
      isComplete: !now.includes(ABSENT),
    };
  }
}

/** Changes with every new content, as far as a look without reading can tell. */
function signatureOf(path: string): string {
  try {
    const { ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return ABSENT;
  }
}

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
