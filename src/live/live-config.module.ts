import { Global, Module } from '@nestjs/common';
import { ConfigStatus } from '../api/config/config-status.js';
import { GatewayModule } from '../api/gateway/gateway.module.js';
import { TokensModule } from '../api/tokens/tokens.module.js';
import { ConfigFile } from './config-file.js';
import { LiveConfig } from './live-config.js';
import { SecretFiles } from './secret-files.js';

/** The configuration while the broker runs. Needs a global `Callers`. */
@Global()
@Module({
  imports: [GatewayModule, TokensModule],
  providers: [SecretFiles, LiveConfig, ConfigFile, { provide: ConfigStatus, useExisting: LiveConfig }],
  exports: [ConfigStatus],
})
export class LiveConfigModule {}
