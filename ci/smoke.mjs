// Starts the built service on the Node that runs this file: once without configuration, once with. Exits 1 if either goes wrong.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.mjs';

const PATIENCE_MS = 15_000;
const APP_SECRET = '0123456789abcdef0123456789abcdef';
/** Of this machine: without a configured host the service is reached at each. */
const ADDRESSES = Object.values(networkInterfaces())
  .flat()
  .filter(({ internal }) => internal)
  .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));
const API_KEY = 'tbk_smoke-api-key-0123456789abcdef';

/** Starts `dist/main.js` with nothing in its environment but `env`. `ended` settles with the exit code, or null after a kill. */
function start(env) {
  const child = spawn(process.execPath, ['dist/main.js'], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 2 * PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  process.once('exit', () => child.kill('SIGKILL'));
  const service = { child, output: '', ended: once(child, 'close').then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => (service.output += text));
  }
  return service;
}

async function waitUntilLive(service, address, port) {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(50)) {
    assert.equal(service.child.exitCode, null, `it ended instead of listening:\n${service.output}`);
    const answer = await fetch(`http://${address}:${port}/health/live`).catch(() => null);
    if (answer?.status === 200) return;
  }
  assert.fail(`/health/live at ${address} did not answer 200 within ${PATIENCE_MS} ms:\n${service.output}`);
}

async function refusesToStartUnconfigured() {
  const service = start({ NODE_ENV: 'production' });
  assert.equal(await service.ended, 1, `exit code without configuration:\n${service.output}`);
  for (const name of ['BROKER_CONFIG', 'BROKER_APP_ID', 'BROKER_API_KEY']) {
    assert.ok(service.output.includes(name), `the fault does not name ${name}:\n${service.output}`);
  }
}

async function livesAndStops() {
  const port = await freePort();
  const service = start({
    BROKER_APP_ID: 'wx0123456789abcdef',
    BROKER_APP_SECRET: APP_SECRET,
    BROKER_API_KEY: API_KEY,
    WECHAT_API_BASE_URL: 'http://127.0.0.1:9',
    PORT: String(port),
  });
  for (const address of ADDRESSES) await waitUntilLive(service, address, port);
  service.child.kill('SIGTERM');
  assert.equal(await service.ended, 0, `exit code after SIGTERM:\n${service.output}`);
  for (const secret of [APP_SECRET, API_KEY])
    assert.ok(!service.output.includes(secret), 'a secret was logged');
}

try {
  await refusesToStartUnconfigured();
  await livesAndStops();
  console.log(
    `Node ${process.version}: refuses to start unconfigured, lives at ${ADDRESSES.join(' and ')}, stops on SIGTERM`,
  );
} catch (error) {
  console.error(`Node ${process.version}: ${error.message}`);
  process.exit(1);
}
