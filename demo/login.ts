/**
 * `npm run demo:login`: a simulated WeChat, the broker, and a web shop whose users log in through it, to be clicked through in a
 * browser. It goes on until Ctrl-C.
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleText } from 'node:util';
import { CALLBACK_PATH, createShop } from './login-shop.ts';
import { INTERRUPTED, over, start } from './processes.ts';

const HOST = '127.0.0.1';
const APP_ID = 'wx0123456789abcdef';
const APP_SECRET = randomBytes(16).toString('hex');
const API_KEY = `tbk_${randomBytes(32).toString('base64url')}`;

function startPlatform() {
  const app = ['--app-id', APP_ID, '--app-secret', APP_SECRET, '--callback-domains', HOST];
  return start('the simulator', ['dist/cli.js', 'simulate', '--port', '0', ...app]);
}

function startBroker(apiBaseUrl: string, callback: string, directory: string) {
  const keySha256 = [createHash('sha256').update(API_KEY).digest('hex')];
  const platform = { appId: APP_ID, appSecret: { env: 'SHOP_SECRET' }, apiBaseUrl };
  const config = {
    server: { host: HOST, port: 0 },
    apps: [{ name: 'shop', ...platform, login: { redirectUris: [callback], authorizeBaseUrl: apiBaseUrl } }],
    clients: [{ name: 'web', keySha256, apps: ['shop'], scopes: ['login'] }],
  };
  const file = join(directory, 'broker.yaml');
  writeFileSync(file, JSON.stringify(config)); // which is YAML too
  return start('the broker', ['dist/main.js'], { BROKER_CONFIG: file, SHOP_SECRET: APP_SECRET });
}

const directory = mkdtempSync(join(tmpdir(), 'broker-demo-'));
const services: ReturnType<typeof start>[] = [];
/** Listens first: the broker's configuration names its callback. */
const shop = createServer();

try {
  shop.listen(0, HOST);
  await once(shop, 'listening');
  const address = shop.address();
  assert.ok(typeof address === 'object' && address !== null);
  const shopUrl = `http://${HOST}:${address.port}`;

  const platform = startPlatform();
  services.push(platform);
  const platformUrl = await platform.url;
  const broker = startBroker(platformUrl, shopUrl + CALLBACK_PATH, directory);
  services.push(broker);
  shop.on('request', createShop({ brokerUrl: await broker.url, apiKey: API_KEY, app: 'shop' }));

  process.stdout.write(`
${styleText('bold', 'platform')}  ${platformUrl}  a simulated WeChat, whose page asks the user
${styleText('bold', 'broker')}    ${await broker.url}  holds the AppSecret
${styleText('bold', 'shop')}      ${shopUrl}  a web page that knows neither secret nor token

Open ${shopUrl} in a browser and log in: consent, refuse, reload the page that greets you, change a letter of "state" in its
address, open that address in another browser.
  curl ${platformUrl}/__sim/codes    # how often each code was sent to WeChat
Ctrl-C ends all three.
`);
  await once(over.signal, 'abort');
  throw over.signal.reason;
} catch (error) {
  const cause: unknown = over.signal.aborted ? over.signal.reason : error;
  if (cause !== INTERRUPTED) {
    process.exitCode = 1;
    process.stdout.write(`${styleText('red', '✘')} ${String(cause)}\n`);
    for (const line of services[1]?.log ?? []) process.stdout.write(`  ${line}\n`);
  }
} finally {
  shop.close();
  shop.closeAllConnections();
  await Promise.all(services.map(({ stop }) => stop()));
  rmSync(directory, { recursive: true, force: true });
}
