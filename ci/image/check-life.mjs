import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, chownSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.mjs';
import { runOnHost } from './image-runner.mjs';

const STOP_LIMIT_MS = 5000;
const PATIENCE_MS = 30_000;
const APP = { id: 'wx0123456789abcdef', secret: randomBytes(16).toString('hex') };
const KEY = `tbk_${randomBytes(32).toString('base64url')}`;
const SERVICE = 65532;
/** Whatever is loaded only when it is configured, Redis, tracing or the documents, has its packages as well. */
const LOAD_EVERYTHING = `
const skipped = ['cli.js', 'main.js'];
for (const file of require('node:fs').globSync('**/*.js', { cwd: 'dist' })) {
  // The page of the console is for browsers.
  if (!skipped.includes(file) && !file.startsWith('console/')) await import('/app/dist/' + file);
}
process.exit(0);`;

/** From the start to the end: as its own user, process 1, on a read-only root. @param {(what: string, value: string) => void} note */
export async function checkLife({ image, folder, note }) {
  await checkModules(image);
  note('every module loads', 'yes');
  const refused = await image.run({ args: ['simulate'] });
  assert.equal(refused.code, 2, refused.output);
  assert.match(refused.output, /the simulator is a package of its own, which is not installed here/);
  const simulator = runOnHost('simulate', '--port', '0', '--app-id', APP.id, '--app-secret', APP.secret);
  const platform = await until(
    'the simulator listens',
    simulator,
    () => /listening on (\S+)/.exec(simulator.output)?.[1],
  );
  await checkServing({ image, folder, note, platform });
  await checkDocs({ image, folder, note, platform });
  simulator.child.kill('SIGTERM');
  assert.equal(await simulator.ended, 0, simulator.output);
}

async function checkServing({ image, folder, note, platform }) {
  const startMs = performance.now();
  const { broker, port, url } = await startBroker({ image, folder, platform, docs: false });
  note('start, to readiness with a token', `${(performance.now() - startMs).toFixed(0)} ms`);
  await checkToken(url, platform);
  note('GET /token', 'a token that the platform accepts');
  checkConfinement(broker.pid);
  note('process 1; user 65532; root read-only; capabilities', 'yes; yes; yes; none');
  assert.ok(await isOk(`${url}/metrics`));
  note('memory: resident, of it private', memoryOf(broker.pid));
  const health = () =>
    image.run({ command: image.config.Healthcheck.Test.slice(1), args: [], env: { PORT: `${port}` } });
  assert.equal((await health()).code, 0, 'HEALTHCHECK of a living broker');
  const silent = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(silent, 'connect');
  note('SIGTERM to exit, with a silent connection', await stop(broker));
  silent.destroy();
  assert.equal((await health()).code, 1, 'HEALTHCHECK of a dead broker');
  note('HEALTHCHECK: living, dead', '0, 1');
}

/** What was taken out of the packages is not missed there, either. */
async function checkDocs({ image, folder, note, platform }) {
  const { broker, url } = await startBroker({ image, folder, platform, docs: true });
  for (const path of [
    '/docs',
    '/docs/openapi.json',
    '/docs/swagger-ui-bundle.js',
    '/docs/swagger-ui.css',
    '/console',
  ]) {
    assert.ok(await isOk(url + path), path);
  }
  note('SIGTERM to exit', await stop(broker));
}

/** Resolves when it is ready. */
async function startBroker({ image, folder, platform, docs }) {
  const port = await freePort();
  configure({ folder, platform, port, docs });
  const broker = image.start({ env: { BROKER_CONFIG: '/mnt/broker.json' } });
  const url = `http://127.0.0.1:${port}`;
  await until('ready', broker, () => isOk(`${url}/health/ready`));
  return { broker, port, url };
}

async function checkModules(image) {
  const { code, output } = await image.run({
    command: ['node', '-e'],
    args: [`(async () => {${LOAD_EVERYTHING}})()`],
  });
  assert.equal(code, 0, output);
}

/** As in Kubernetes: a file, and the secret in one that only the service may read. */
function configure({ folder, platform, port, docs }) {
  const secretFile = join(folder, 'shop');
  rmSync(secretFile, { force: true });
  writeFileSync(secretFile, APP.secret);
  chmodSync(secretFile, 0o400);
  chownSync(secretFile, SERVICE, SERVICE);
  const broker = {
    server: { port, host: '127.0.0.1', docs },
    ...(docs && { console: {} }),
    apps: [
      {
        name: 'shop',
        provider: 'wechat',
        appId: APP.id,
        appSecret: { file: '/mnt/shop' },
        apiBaseUrl: platform,
      },
    ],
    clients: [
      {
        name: 'orders',
        keySha256: [createHash('sha256').update(KEY).digest('hex')],
        apps: ['shop'],
        scopes: ['token:read'],
      },
    ],
  };
  writeFileSync(join(folder, 'broker.json'), JSON.stringify(broker));
}

async function checkToken(url, platform) {
  const answer = await fetch(`${url}/token`, { headers: { authorization: `Bearer ${KEY}` } });
  assert.equal(answer.status, 200);
  const { access_token: token } = await answer.json();
  const call = await fetch(`${platform}/cgi-bin/get_api_domain_ip?access_token=${token}`);
  assert.ok((await call.json()).ip_list, 'the platform refuses the token');
}

function checkConfinement(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const field = (name) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1].split(/\s+/);
  assert.deepEqual(new Set([...field('Uid'), ...field('Gid')]), new Set([String(SERVICE)]));
  assert.equal(field('NSpid').at(-1), '1');
  assert.deepEqual(field('NoNewPrivs'), ['1']);
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb'])
    assert.equal(Number(`0x${field(set)[0]}`), 0, set);
  const mounts = readFileSync(`/proc/${pid}/mountinfo`, 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  assert.match(mounts.find(([, , , , place]) => place === '/')?.[5] ?? '', /^ro\b/);
}

function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name) => (Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1000).toFixed(0);
  return `${mb('Rss')} MB, ${mb('Private_Dirty')} MB`;
}

async function stop(broker) {
  const startMs = performance.now();
  broker.signal('SIGTERM');
  const code = await Promise.race([broker.ended, sleep(STOP_LIMIT_MS, 'still running', { ref: false })]);
  assert.equal(code, 0, `exit code after SIGTERM:\n${broker.output}`);
  for (const secret of [APP.secret, KEY]) assert.ok(!broker.output.includes(secret), 'a secret was logged');
  return `${(performance.now() - startMs).toFixed(0)} ms`;
}

async function until(what, running, probe) {
  for (const deadlineMs = performance.now() + PATIENCE_MS; performance.now() < deadlineMs; await sleep(10)) {
    const found = await probe();
    if (found) return found;
    assert.ok(running.isRunning, `it ended before ${what}:\n${running.output}`);
  }
  assert.fail(`${what}: not within ${PATIENCE_MS} ms\n${running.output}`);
}

async function isOk(url) {
  const answer = await fetch(url).catch(() => null);
  // Left unread, it would keep its connection busy.
  await answer?.arrayBuffer();
  return answer?.ok ?? false;
}
