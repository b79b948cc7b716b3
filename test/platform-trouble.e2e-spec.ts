import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FaultSpec } from '../src/simulator/fault-spec.js';
import { WechatSimulator } from '../src/simulator/wechat-simulator.js';
import { brokerConfig, newApiKey, newApp, type AppOptions } from './support/broker-config.js';
import { startBroker, type BrokerProcess } from './support/broker-process.js';
import { eventually } from './support/eventually.js';
import type { HttpAnswer } from './support/http-client.js';
import { poll } from './support/poll.js';
import { tempFile } from './support/temp-file.js';

const KEY = newApiKey();
/** Any but that of this machine. */
const ELSEWHERE = ['192.0.2.1'];

let simulator: WechatSimulator;
let broker: BrokerProcess;

afterEach(async () => {
  await broker.kill();
  await simulator.stop();
});

/** Starts both, with short-lived classic tokens. */
async function start(
  apps: readonly Omit<AppOptions, 'apiBaseUrl'>[],
  { expiresInSeconds, knownSecrets = {} }: { expiresInSeconds: number; knownSecrets?: Record<string, string> },
): Promise<void> {
  simulator = new WechatSimulator({
    apps: apps.map((app) => ({ ...app, appSecret: knownSecrets[app.name] ?? app.appSecret })),
    expiresInSeconds,
  });
  const { url: apiBaseUrl } = await simulator.start();
  const config = brokerConfig({ apps: apps.map((app) => ({ ...app, apiBaseUrl })), keys: { orders: KEY } });
  broker = await startBroker({ config, key: KEY });
}

function get(app: string): Promise<HttpAnswer> {
  return broker.get(`/token?app=${app}`);
}

describe('a refusal that only a person can cure', () => {
  const COLD_IP = { name: 'cold-ip', ...newApp(), ipWhitelist: ELSEWHERE };
  const COLD_SECRET = { name: 'cold-secret', ...newApp() };
  const WARM_IP = { name: 'warm-ip', ...newApp() };
  const WARM_SECRET = { name: 'warm-secret', ...newApp() };
  const answers: Record<string, HttpAnswer[]> = {};

  beforeAll(async () => {
    await start([COLD_IP, COLD_SECRET, WARM_IP, WARM_SECRET], {
      expiresInSeconds: 2,
      knownSecrets: { [COLD_SECRET.name]: newApp().appSecret },
    });
  });
});
