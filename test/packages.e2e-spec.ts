import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from './support/eventually.js';
import { request } from './support/http-client.js';
import { installPacked } from './support/install-packed.js';
import { NodeProcess } from './support/node-process.js';

interface Manifest {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
}

const manifestOf = (path: string) => JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest;

const FETCH = '/cgi-bin/token?grant_type=client_credential&appid=wx1&secret=s';
const FLAGS = ['--port', '0', '--app-id', 'wx1', '--app-secret', 's'];

it('the packages of this repository have one version', () => {
  const root = join(import.meta.dirname, '..');
  const { version } = manifestOf(root);
  const packages = readdirSync(join(root, 'packages')).map((name) => join(root, 'packages', name));
  expect(packages.map((path) => manifestOf(path).version)).toEqual(packages.map(() => version));
});

describe('the packed server', () => {
  let folder: string;
  let path: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'packages-'));
    ({ path } = await installPacked('.', folder));
  }, 60_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  it('has nothing of the client or the simulator in it, and does not ask for them', () => {
    const texts = ['LICENSE', 'README.md', 'README.zh-CN.md'];
    expect(readdirSync(path).sort()).toEqual([...texts, 'dist', 'package.json']);
    const files = readdirSync(path, { recursive: true, encoding: 'utf8' });
    expect(files.length).toBeGreaterThan(100);
    expect(files.filter((file) => /simulat|token-client|\.d\.ts$|\.spec\./.test(file))).toEqual([]);
    const names = Object.keys(manifestOf(path).dependencies);
    expect(names.filter((name) => name.startsWith('@access-token-broker/'))).toEqual([]);
  });

  it('says how to get the simulator where it is not installed', async () => {
    const process = new NodeProcess('cli.js', ['simulate'], {}, path);
    expect(await process.ended).toBe(2);
    expect(process.stderr).toMatch(/not installed here.*npx @access-token-broker\/simulator\n/s);
    expect(process.stdout).toBe('');
  });

  it('runs the simulator that is installed beside it, and the simulator runs by itself', async () => {
    const simulator = await installPacked('packages/simulator', folder);
    const processes = [
      new NodeProcess('cli.js', ['simulate', ...FLAGS], {}, path),
      new NodeProcess('cli.js', FLAGS, {}, simulator.path),
    ];
    for (const process of processes) {
      const [, url = ''] = await eventually('listening', () => /listening on (\S+)$/m.exec(process.stdout));
      expect((await request(url + FETCH)).body).toMatchObject({ expires_in: 7200 });
      process.signal('SIGTERM');
      expect(await process.ended).toBe(0);
    }
    expect(Object.values(manifestOf(simulator.path).bin)).toEqual(['dist/cli.js']);
  });
});
