import { ConfigError, isWordLike } from './faults.js';
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
    const { apps, clients, redis, warnings } = loadConfig(env);
    out(`the configuration is good
  apps: ${apps.map(({ name, shownKind, shownId }, index) => `${shownName(name, index)} (${shownKind}, ${shownId})`).join(', ')}
  clients: ${clients.map(({ name, scopes }, index) => `${shownName(name, index)} (${scopes.join(' ')})`).join(', ')}
  tokens are kept in ${redis ? `Redis (${redis.server.kind})` : 'memory: run one replica'}
`);
    for (const { path, text } of warnings) out(`warning: ${path}: ${text}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    err(`${error.message}\n`);
    return 1;
  }
}

/** A name that may be a secret in the wrong place is told by its place. */
function shownName(name: string, index: number): string {
  return isWordLike(name) ? name : `number ${index + 1}`;
}
