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

interface Verdict {
  readonly exitCode: number;
  readonly output: string;
}

/** Sends what the served document allows, and what it forbids, and holds every answer against it. */
async function tryDocument(url: string, apiKey: string | null): Promise<Verdict> {
  const cwd = mkdtempSync(join(tmpdir(), 'schemathesis-'));
  const args = [
    ...['--config-file', join(import.meta.dirname, 'openapi/schemathesis.toml'), 'run'],
    ...['--seed', SEED, '--max-examples', MAX_EXAMPLES, '--request-timeout', '20', '--warnings', 'off'],
    ...(apiKey === null ? [] : ['--header', `Authorization: Bearer ${apiKey}`]),
    `${url}/docs/openapi.json`,
  ];
  const verdict = await new Promise<Verdict>((resolve) => {
    const child = execFile(SCHEMATHESIS, args, { cwd, maxBuffer: 1e8 }, (_error, stdout, stderr) => {
      resolve({ exitCode: child.exitCode ?? -1, output: stdout + stderr });
    });
  });
  rmSync(cwd, { recursive: true });
  return verdict;
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
    expect(await tryDocument(broker.url, apiKey)).toMatchObject({ exitCode: 0 });
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
    expect(await tryDocument(broker.url, key)).toMatchObject({ exitCode: 0 });
  });
});
