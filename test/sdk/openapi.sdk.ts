import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newApiKey, newApp } from '../support/broker-config.js';
import { startWorld } from '../support/start-world.js';
import { SCHEMATHESIS } from './commands.js';

const SEED = '1';
/** Of each operation. */
const MAX_EXAMPLES = '15';

/** Sends what the served document allows, and what it forbids, and holds every answer against it. Throws, with what it found. */
async function tryDocument(url: string, apiKey: string | null): Promise<void> {
  const cwd = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  const args = [
    ...['--config-file', join(import.meta.dirname, 'openapi/schemathesis.toml'), 'run'],
    ...['--seed', SEED, '--max-examples', MAX_EXAMPLES, '--request-timeout', '20', '--warnings', 'off'],
    ...(apiKey === null ? [] : ['--header', `Authorization: Bearer ${apiKey}`]),
    `${url}/docs/openapi.json`,
  ];
  const found = await new Promise<string | null>((resolve) => {
    execFile(SCHEMATHESIS, args, { cwd, maxBuffer: 1e8 }, (error, stdout, stderr) => {
      resolve(error && stdout + stderr);
    });
  });
  rmSync(cwd, { recursive: true });
  if (found !== null) throw new Error(found);
}

describe('every answer is as the OpenAPI document says', () => {
  const app = { name: 'default', ...newApp() };
  const key = newApiKey();
  const server = { docs: true };

  it.each([
    ['a key of all scopes', key],
    ['no key', null],
  ])('for %s', async (_who, apiKey) => {
    const { broker } = await startWorld({ apps: [app], keys: { key }, server });
    await broker.ready();
    await tryDocument(broker.url, apiKey);
    expect(broker.logs().filter(({ level }) => level === 'error' || level === 'fatal')).toEqual([]);
  });

  it('while the platform refuses the app', async () => {
    const { broker } = await startWorld({
      apps: [app],
      keys: { key },
      server,
      before: (platform) => {
        platform.resetSecret(newApp().appSecret, app.appId);
      },
    });
    await expect(tryDocument(broker.url, key)).resolves.toBeUndefined();
  });
});
