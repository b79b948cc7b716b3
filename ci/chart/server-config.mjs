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
};

/** Puts files and variables where the configuration says that secrets are. */
function supplySecrets(node, name, env) {
  if (typeof node !== 'object' || node === null) return;
  const text = WELL_FORMED[name] ?? 'a-secret';
  if (typeof node.env === 'string') env[node.env] = text;
  if (typeof node.file === 'string') {
    node.file = join(folder, createHash('sha256').update(node.file).digest('hex'));
    writeFileSync(node.file, text);
  }
  for (const [key, child] of Object.entries(node)) supplySecrets(child, key, env);
}

/** What the server makes of a configuration whose secrets are all in their places. Throws what `check` prints. */
export function loadAsServer(config) {
  const own = JSON.parse(JSON.stringify(config));
  const env = { BROKER_CONFIG: join(folder, 'broker.yaml') };
  supplySecrets(own, '', env);
  writeFileSync(env.BROKER_CONFIG, stringify(own));
  return loadConfig(env);
}
