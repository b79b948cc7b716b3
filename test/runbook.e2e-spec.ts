import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { SimulatorOptions, WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, newApp } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { startPlatform } from './support/start-platform.js';
import { tempFile } from './support/temp-file.js';

const RUNBOOK = readFileSync(join(import.meta.dirname, '../docs/runbook.md'), 'utf8');
const ONCALL_KEY = newApiKey();
const ORDERS_KEY = newApiKey();

/** Answers for two pods, both of which are the broker of this test; a port-forward goes nowhere, until it is ended. */
const KUBECTL = `#!/bin/sh
case "$*" in
  *"get secret oncall-key"*) printf %s "$ONCALL_KEY" | base64 -w0 ;;
  *"get pods"*app.kubernetes.io/component=broker*"-o name") printf 'pod/broker-1\\npod/broker-2\\n' ;;
  *port-forward*) exec sleep 60 ;;
  *"exec deployment/access-token-broker -c broker -- "*) while [ "$1" != -- ]; do shift; done; shift; exec "$@" ;;
  *) echo "no such command: $*" >&2; exit 1 ;;
esac
`;

/** The commands after a line of the runbook. */
function commandsAfter(line: string): string {
  const [, commands] = RUNBOOK.slice(RUNBOOK.indexOf(line)).split(/^```(?:sh)?$/m);
  return commands ?? '';
}

interface Shop {
  readonly platform: WechatSimulator;
  readonly broker: BrokerProcess;
  readonly configFile: string;
}

/** A broker for the app that the runbook names, once it is ready. */
async function startShop(settings: SimulatorOptions = {}): Promise<Shop> {
  const app = { name: 'shop', ...newApp() };
  const platform = await startPlatform({ apps: [app], ...settings });
  const config = brokerConfig({ apps: [{ ...app, apiBaseUrl: platform.url }], keys: {} });
  const client = (name: string, key: string, scopes: string[]) => ({
    name,
    keySha256: [createHash('sha256').update(key).digest('hex')],
    apps: '*',
    scopes,
  });
  const clients = [
    client('orders', ORDERS_KEY, ['token:read']),
    client('oncall', ONCALL_KEY, ['token:refresh', 'token:admin']),
  ];
  const configFile = tempFile(JSON.stringify({ ...config, clients }));
  const broker = await startBroker({ env: { BROKER_CONFIG: configFile }, key: ORDERS_KEY });
  await broker.ready();
  return { platform, broker, configFile };
}

describe('the commands of the runbook', () => {
  let shop: Shop;
  let broker: BrokerProcess;
  let programs: string;

  beforeAll(async () => {
    shop = await startShop();
    ({ broker } = shop);
    programs = mkdtempSync(join(tmpdir(), 'runbook-'));
    writeFileSync(join(programs, 'kubectl'), KUBECTL);
    chmodSync(join(programs, 'kubectl'), 0o755);
  });

  afterAll(async () => {
    await broker.stop();
    rmSync(programs, { recursive: true });
  });

  async function run(line: string, { broker, configFile } = shop): Promise<string> {
    const script = commandsAfter('**First, always:**') + commandsAfter(line);
    const env = { PATH: `${programs}:${process.env.PATH ?? ''}`, ONCALL_KEY, BROKER_CONFIG: configFile };
    const here = script.replaceAll('localhost:8080', new URL(broker.url).host);
    const { stdout } = await promisify(execFile)('bash', ['--norc', '-c', `${here}\ntrue`], { env });
    return stdout;
  }

  it('show the state of each app on every replica, and no token', async () => {
    const token = await broker.token('shop');
    const shown = await run('<!-- test:states -->');
    expect(shown).toMatch(/# pod\/broker-1\n.*"state":"ok".*\n# pod\/broker-2\n.*"state":"ok"/);
    expect(shown).not.toContain(token);
  });

  it('try the way to the platform from a pod', async () => {
    expect(await run('<!-- test:diagnose -->')).toMatch(/OK +shop +DNS/);
  });

  it('force a fetch, and show no token', async () => {
    const before = await broker.token('shop');
    expect(await run('<!-- test:force -->')).toBe('200\n');
    expect(await broker.token('shop')).not.toBe(before);
  });

  it('bring a token at once when the address has been put on the whitelist', async () => {
    const refused = await startShop({ ipWhitelist: ['192.0.2.1'] });
    expect(await run('<!-- test:states -->', refused)).toMatch(
      /"state":"pending".*"last_error":\{"errcode":40164/,
    );
    expect(await run('<!-- test:force -->', refused)).toBe('503\n');

    refused.platform.setIpWhitelist(null);
    expect((await refused.broker.get('/token?app=shop')).body).toMatchObject({ code: 'no_token_yet' });
    expect(await run('<!-- test:force -->', refused)).toBe('200\n');
    expect(await refused.broker.token('shop')).toMatch(/./);
    expect(await run('<!-- test:states -->', refused)).toMatch(/"state":"ok".*"last_error":null/);
    await refused.broker.stop();
  });

  it('are run with a key that no answer gives a token', async () => {
    const answers = [
      await broker.get('/token?app=shop', ONCALL_KEY),
      await broker.post('/token/refresh', { app: 'shop', force: true }, ONCALL_KEY),
    ];
    expect(answers.map(({ status }) => status)).toEqual([403, 200]);
    const token = await broker.token('shop');
    for (const { text } of answers) expect(text).not.toContain(token);
  });
});
