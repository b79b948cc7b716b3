import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../src/config/config.js';
import { ConfigError } from '../../src/config/faults.js';
import { loadConfig, type LoadConfigOptions } from '../../src/config/load-config.js';

type Tree = Record<string, unknown>;

export const HASH = 'a'.repeat(64);
export const ENCRYPTION_KEY = Buffer.alloc(32, 7).toString('base64');
export const APP = {
  name: 'shop',
  appId: 'wx0123456789abcdef',
  appSecret: '0123456789abcdef0123456789abcdef',
};
export const OTHER_APP = { ...APP, name: 'club', appId: 'wxfedcba9876543210' };
export const CLIENT = { name: 'orders', keySha256: [HASH], apps: ['shop'], scopes: ['token:read'] };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'broker-config-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** A path in a folder that is gone after the test file. */
export function inFolder(name: string): string {
  return join(folder, name);
}

/** Loads a configuration file with this text, which is `inFolder('broker.yaml')`. */
export function loadText(text: string, env: NodeJS.ProcessEnv = {}, options?: LoadConfigOptions): Config {
  const path = inFolder('broker.yaml');
  writeFileSync(path, text);
  return loadConfig({ BROKER_CONFIG: path, ...env }, options);
}

export const load = (tree: unknown, env: NodeJS.ProcessEnv = {}, options?: LoadConfigOptions) =>
  loadText(JSON.stringify(tree), env, options);
export const file = (more: Tree = {}) => ({ apps: [APP], clients: [CLIENT], ...more });
export const withApp = (more: Tree) => file({ apps: [{ ...APP, ...more }] });
export const withRefresh = (refresh: unknown) => withApp({ refresh });
export const withClient = (more: Tree) => file({ clients: [{ ...CLIENT, ...more }] });
export const ISSUER = {
  issuer: 'https://login.example',
  audience: 'broker',
  jwksUri: 'https://login.example/jwks',
};
export const withIssuers = (jwt: unknown, client: Tree = {}) =>
  file({ identities: { jwt }, clients: [{ ...CLIENT, ...client }] });
export const withServer = (server: unknown) => file({ server });
export const withAudit = (audit: unknown) => file({ audit });
export const withEgress = (egress: unknown) => file({ egress });
export const withTracing = (more: Tree) =>
  file({ tracing: { endpoint: 'http://collector:4318/v1/traces', ...more } });
export const withRedis = (redis: unknown) =>
  file({ redis, encryption: { keys: [{ id: 'k1', key: ENCRYPTION_KEY }] } });

/** The lines of the fault, without the heading. */
export function faultsOf(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}
