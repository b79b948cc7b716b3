import { ConfigError } from './config-error.js';
import { loadConfig } from './load-config.js';

export interface CheckIo {
  /** Left out: that of this process. */
  readonly env?: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Reads the configuration as `serve` does, and says what is wrong with it or what it amounts to. Asks no platform and no store. Returns the exit code. */
export function check({ env = process.env, out, err }: CheckIo): 0 | 1 {
  try {
    const { apps, clients, redis } = loadConfig(env);
    out(`the configuration is good
  apps: ${apps.map(({ name, grant, appId }) => `${name} (${grant}, ${appId})`).join(', ')}
  clients: ${clients.map(({ name, scopes }) => `${name} (${scopes.join(' ')})`).join(', ')}
  tokens are kept in ${redis ? `Redis (${redis.server.kind})` : 'memory: run one replica'}
`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${error.message}\n`);
    return 1;
  }
}
