import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { installPacked } from './support/install-packed.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const modules = join(root, 'node_modules');
/** What the snippets of the documentation need besides the package. */
const INSTALLED = ['axios', '@types/node', 'undici-types'];

/** Sends with either kind of decorator; its broker replaces the token `one` by `two` when it is reported. */
const CONSUMER = `
import { createServer } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { accessToken, createTokenClient, withAccessToken, type TokenClient } from '@access-token-broker/client';

const token = (access_token: string, generation: number) =>
  JSON.stringify({ access_token, generation, expires_in: 7000, cache_max_age: 60 });
const broker = createServer((request, response) => {
  response.end(request.method === 'POST' ? token('two', 2) : token('one', 1));
}).listen(0, '127.0.0.1');
await once(broker, 'listening');
const { port } = broker.address() as AddressInfo;
const client = createTokenClient({ url: 'http://127.0.0.1:' + port, apiKey: 'tbk_x', stream: false });

class Mailer {
  readonly tokenClient: TokenClient = client;
  private readonly other = client;

  @withAccessToken()
  async send(to: string, value = accessToken()): Promise<{ errcode: number; text: string }> {
    return { errcode: value === 'two' ? 0 : 40001, text: to + ' with ' + value };
  }

  @withAccessToken()
  async echo<T extends string>(what: T): Promise<T> {
    return what;
  }

  @withAccessToken((self: Mailer) => self.other)
  async sendLater(to: string): Promise<string> {
    return to + ' with ' + accessToken();
  }
}

const mailer = new Mailer();
const { text } = await mailer.send('hello');
const bye: 'good-bye' = await mailer.echo('good-bye');
console.log(text + ', ' + (await mailer.sendLater(bye)));
client.close();
broker.close();
broker.closeAllConnections();
`;

/** Collects garbage while it follows a stream, and again while half an answer to a report is there; then closes. */
const COLLECTING = `
import { createServer } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTokenClient } from '@access-token-broker/client';

const token = JSON.stringify({ access_token: 'one', generation: 1, expires_in: 7000, cache_max_age: 60 });
const broker = createServer((request, response) => {
  const isWhole = request.url === '/token';
  if (request.url === '/token/events') response.setHeader('content-type', 'text/event-stream');
  if (isWhole) response.end(token);
  else response.write(':');
}).listen(0, '127.0.0.1');
await once(broker, 'listening');
// Only what the client holds may keep the process alive.
broker.on('connection', (socket) => socket.unref()).unref();
const client = createTokenClient({ url: 'http://127.0.0.1:' + broker.address().port, apiKey: 'tbk_x', timeoutMs: 800 });
await client.get();
const report = client.report('one').catch(({ code }) => code);
for (let i = 0; i < 3; i += 1) {
  await sleep(100);
  gc();
}
console.log(await report);
client.close();
`;

/** Its broker is away. */
const WAITING = `
import { createTokenClient } from '@access-token-broker/client';
const client = createTokenClient({ url: 'http://127.0.0.1:1', apiKey: 'tbk_x', timeoutMs: 500 });
const work = process.argv[2] === 'get' ? client.get() : client.report('one');
await work.catch(({ code }) => console.log(code));
`;

/** This Node, and the machine's own if that is another. */
function runtimes(): string[] {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'node'))
    .filter((file) => !file.includes('node_modules') && existsSync(file));
  return [...new Set([process.execPath, ...onPath.slice(0, 1)].map((file) => realpathSync(file)))];
}

describe('the packed client', () => {
  let folder: string;
  let tarball: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'client-package-'));
    ({ tarball } = await installPacked('packages/client', folder));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  }, 60_000);
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  /** Throws with the compiler's complaints. */
  async function compile(files: readonly string[], options: object): Promise<void> {
    const compilerOptions = {
      target: 'ES2022',
      lib: ['ES2023'],
      types: ['node'],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      outDir: 'out',
      ...options,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
    const tsc = join(modules, 'typescript', 'bin', 'tsc');
    await run(process.execPath, [tsc, '-p', folder]).catch((error: unknown) => {
      throw new Error((error as { stdout: string }).stdout);
    });
  }

  /** Types and libraries of others. Not there at first, so that a dependency of the client would show. */
  function install(): void {
    for (const name of INSTALLED) {
      const path = join(folder, 'node_modules', name);
      if (existsSync(path)) continue;
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(join(modules, name), path);
    }
  }

  it.each(runtimes())(
    'is imported and required by %s, with nothing else installed',
    async (node) => {
      const says = 'console.log(typeof createTokenClient, typeof withAccessToken, typeof interceptAxios);';
      const names = '{ createTokenClient, withAccessToken, interceptAxios }';
      writeFileSync(join(folder, 'a.mjs'), `import ${names} from '@access-token-broker/client';${says}`);
      writeFileSync(join(folder, 'a.cjs'), `const ${names} = require('@access-token-broker/client');${says}`);
      for (const file of ['a.mjs', 'a.cjs']) {
        const { stdout } = await run(node, [file], { cwd: folder, env: {} });
        expect(stdout).toBe('function function function\n');
      }
      const inside = run(node, ['-e', "import('@access-token-broker/client/dist/token-client.js')"], {
        cwd: folder,
        env: {},
      });
      await expect(inside).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
    },
    30_000,
  );

  it.each(runtimes())(
    'is in command of its connections, and ends, when %s collects garbage',
    async (node) => {
      writeFileSync(join(folder, 'collecting.mjs'), COLLECTING);
      const options = { cwd: folder, env: {}, timeout: 10_000 };
      const { stdout } = await run(node, ['--expose-gc', 'collecting.mjs'], options);
      expect(stdout).toBe('unreachable\n');
    },
    30_000,
  );

  it.each(runtimes())(
    'keeps %s alive while it waits for a broker that is away',
    async (node) => {
      writeFileSync(join(folder, 'waiting.mjs'), WAITING);
      for (const what of ['get', 'report']) {
        const { stdout } = await run(node, ['waiting.mjs', what], { cwd: folder, env: {} });
        expect(stdout).toBe('unreachable\n');
      }
    },
    30_000,
  );

  it.each([
    ['nodenext', 'standard', {}],
    ['nodenext', 'experimental', { experimentalDecorators: true }],
    ['bundler', 'standard', { module: 'esnext' }],
  ])(
    'has types for %s, and works with %s decorators',
    async (resolution, _, options) => {
      install();
      writeFileSync(join(folder, 'consumer.ts'), CONSUMER);
      await compile(['consumer.ts'], { module: resolution, moduleResolution: resolution, ...options });
      for (const node of runtimes()) {
        const { stdout } = await run(node, [join('out', 'consumer.js')], { cwd: folder, env: {} });
        expect(stdout).toBe('hello with two, good-bye with two\n');
      }
    },
    60_000,
  );

  it('compiles what docs/client.md shows, with the types of Node.js and of the web', async () => {
    install();
    const text = readFileSync(join(root, 'docs', 'client.md'), 'utf8');
    const snippets = Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ([, code = '']) => code);
    expect(snippets.length).toBeGreaterThan(3);
    expect(text).toContain(`npm install --ignore-scripts ./${tarball}`);
    const files = snippets.map((code, index) => {
      writeFileSync(join(folder, `snippet-${String(index)}.ts`), code);
      return `snippet-${String(index)}.ts`;
    });
    const options = { module: 'nodenext', noEmit: true };
    await compile(files, options);
    await compile(files, { ...options, lib: ['ES2023', 'DOM'], skipLibCheck: true });
  }, 60_000);
});
