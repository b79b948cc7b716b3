import { plainToInstance } from 'class-transformer';
import type { Config } from './config.js';
import { ConfigError } from './config-error.js';
import { crossChecks } from './cross-checks.js';
import { deepFreeze } from './deep-freeze.js';
import { overlayEnvironment } from './environment.js';
import { ReadFault } from './read-fault.js';
import { readSecret } from './read-secret.js';
import { readText } from './read-text.js';
import { readYaml } from './read-yaml.js';
import { resolveSecrets } from './resolve-secrets.js';
import { ConfigFile } from './sections/config-file.section.js';
import { toConfig } from './to-config.js';
import { validateSections } from './validate-sections.js';

export interface LoadConfigOptions {
  /** How often a secret's file is looked at once somebody listens to it, in milliseconds. */
  readonly secretPollMs?: number;
}

/**
 * Reads the file that `BROKER_CONFIG` names, lays the environment over it, and checks all of it. Throws a ConfigError
 * that lists every fault; only a file that cannot be read or parsed is reported alone.
 */
export function loadConfig(env: NodeJS.ProcessEnv, { secretPollMs = 2000 }: LoadConfigOptions = {}): Config {
  const { root, faults, origins } = overlayEnvironment(readFile(env.BROKER_CONFIG), env);
  const file = plainToInstance(ConfigFile, root);
  resolveSecrets(file, (source) => readSecret(source, env, secretPollMs));

  const all = [...faults, ...validateSections(file), ...crossChecks(file)];
  if (all.length > 0) {
    throw new ConfigError(all.map(({ path, text }) => ({ path: origins.get(path) ?? path, text })));
  }
  return deepFreeze(toConfig(file));
}

function readFile(path: string | undefined): Record<string, unknown> | null {
  if (!path) return null;
  const text = readText(path);
  if (text instanceof ReadFault) throw new ConfigError([{ path: 'BROKER_CONFIG', text: text.text }]);
  return readYaml(text, path);
}
