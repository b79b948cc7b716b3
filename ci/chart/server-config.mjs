import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { SELF_SIGNED } from '../../test/support/test-certificates.ts';
import { loadConfig } from '../../dist/config/load-config.js';

const folder = mkdtempSync(join(tmpdir(), 'server-config-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const WELL_FORMED = {
  key: 'A'.repeat(43) + '=',
  url: 'rediss://broker:password@redis:6379/0',
  ca: SELF_SIGNED.cert,
  proxy: 'http://proxy:3128',
  appSecret: '0123456789abcdef'.repeat(2),
  cert: SELF_SIGNED.cert,
  clientCa: SELF_SIGNED.cert,
  jwks: '{"keys":[{}]}',
};
/** What `key` means there. */
const IN_TLS = { ...WELL_FORMED, key: SELF_SIGNED.key };
/** Keys that hold a path themselves. */
const PATHS = ['caFile', 'tokenFile'];

/** Puts files and variables where the configuration says that secrets are. */
function supplySecrets(node, name, env, wellFormed = WELL_FORMED) {
  if (typeof node !== 'object' || node === null) return;
  const text = wellFormed[name] ?? 'a-secret';
  for (const key of PATHS) {
    if (typeof node[key] !== 'string' || node[key] === '') continue;
    node[key] = join(folder, key);
    writeFileSync(node[key], SELF_SIGNED.cert);
  }
  if (typeof node.env === 'string') env[node.env] = text;
  if (typeof node.file === 'string') {
    node.file = join(folder, createHash('sha256').update(node.file).digest('hex'));
    writeFileSync(node.file, text);
  }
  const below = name === 'tls' && 'cert' in node ? IN_TLS : wellFormed;
  for (const [key, child] of Object.entries(node)) supplySecrets(child, key, env, below);
}

/** What the server makes of a configuration whose secrets are all in their places. Throws what `check` prints. */
export function loadAsServer(config) {
  const own = JSON.parse(JSON.stringify(config));
  const env = { BROKER_CONFIG: join(folder, 'broker.yaml') };
  supplySecrets(own, '', env);
  writeFileSync(env.BROKER_CONFIG, stringify(own));
  return loadConfig(env);
}
