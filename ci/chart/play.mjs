// Plays on this machine what the cluster would do with a rendered file: the configuration and the Secret as mounted files, the
// Deployment's environment and probes, then the command of `helm test`, with a good key and a wrong one. Needs a build.
//   node ci/chart/play.mjs rendered/memory.yaml API-KEY
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { URL } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { freePort } from '../free-port.mjs';

const PATIENCE_MS = 20_000;
const APP_SECRET = '0123456789abcdef0123456789abcdef';

const [file, apiKey] = process.argv.slice(2);
const objects = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS());
const find = (kind) => objects.find((each) => each?.kind === kind);
const [container] = find('Deployment').spec.template.spec.containers;
const [tester] = find('Pod').spec.containers;

const root = mkdtempSync(join(tmpdir(), 'play-'));
const children = [];
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(root, { recursive: true, force: true });
});

function run(args, env) {
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  children.push(child);
  const started = { child, output: '', ended: once(child, 'close').then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (started.output += text));
  }
  return started;
}

async function until(what, check) {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(50)) {
    const found = await check();
    if (found) return found;
  }
  assert.fail(`${what()} not within ${PATIENCE_MS} ms`);
}

/** The volumes below a folder of our own, and the paths in the configuration to fit. */
function mount() {
  const contents = { config: find('ConfigMap').data, secrets: { shop: APP_SECRET } };
  const paths = container.volumeMounts.map(({ name, mountPath }) => [mountPath, contents[name]]);
  for (const [path, keys] of paths) {
    mkdirSync(root + path, { recursive: true });
    for (const [key, text] of Object.entries(keys)) {
      writeFileSync(join(root + path, key), text.replaceAll(/file: (?=\/)/g, `file: ${root}`));
    }
  }
}

mount();
const simulator = run(
  ['dist/cli.js', 'simulate', '--port', '0', '--app-id', 'wx0123456789abcdef', '--app-secret', APP_SECRET],
  {},
);
const [platform] = await until(
  () => 'the simulator',
  () => /http:\/\/127\.0\.0\.1:\d+/.exec(simulator.output),
);

const port = await freePort();
const environment = Object.fromEntries(container.env.map(({ name, value }) => [name, root + value]));
const broker = run(['dist/cli.js', 'serve'], {
  ...environment,
  PORT: String(port),
  WECHAT_API_BASE_URL: platform,
});
for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
  const { path } = container[probe].httpGet;
  await until(
    () => `${probe}\n${broker.output}`,
    () =>
      fetch(`http://127.0.0.1:${port}${path}`).then(
        ({ status }) => status === 200,
        () => false,
      ),
  );
}

async function helmTest(key) {
  const url = new URL(tester.env.find(({ name }) => name === 'URL_OF_TOKEN').value);
  url.host = `127.0.0.1:${port}`;
  assert.equal(tester.command[0], 'node');
  const test = run(tester.command.slice(1), { URL_OF_TOKEN: url.href, API_KEY: key });
  return { code: await test.ended, output: test.output };
}

const good = await helmTest(apiKey);
assert.equal(good.code, 0, good.output);
assert.match(good.output, /^shop: a token of generation \d+, good until 20\S+Z\n$/);
const wrong = await helmTest(`${apiKey}-wrong`);
assert.equal(wrong.code, 1, wrong.output);
assert.match(wrong.output, /401/);

broker.child.kill('SIGTERM');
assert.equal(await broker.ended, 0, broker.output);
console.log(`probes answered; ${good.output.trim()}; a wrong key failed the test; SIGTERM ended it with 0`);
process.exit(0);
