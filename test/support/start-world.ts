import type { SimulatorOptions, WechatSimulator } from '@access-token-broker/simulator';
import { brokerConfig, newApiKey, type AppOptions, type ConfigOptions } from './broker-config.js';
import { startBroker, type BrokerProcess } from './broker-process.js';
import { startPlatform } from './start-platform.js';

export interface WorldOptions {
  /** Known to the platform and, unless they name another `apiBaseUrl`, configured to ask it. */
  readonly apps: readonly (Omit<AppOptions, 'apiBaseUrl'> & { readonly apiBaseUrl?: string })[];
  readonly platform?: Omit<SimulatorOptions, 'apps'>;
  /** Default: one caller. */
  readonly keys?: ConfigOptions['keys'];
  readonly clients?: ConfigOptions['clients'];
  readonly scopes?: ConfigOptions['scopes'];
  readonly server?: ConfigOptions['server'];
  readonly sections?: ConfigOptions['sections'];
  /** Of the broker's process. */
  readonly env?: Readonly<Record<string, string>>;
  /** What happens to the platform before the broker starts. */
  readonly before?: (simulator: WechatSimulator) => void;
}

export interface World {
  readonly simulator: WechatSimulator;
  /** Sends the first caller's key. */
  readonly broker: BrokerProcess;
}

/** A platform, and a broker that asks it. Both end with the test file, if not before. */
export async function startWorld({
  apps,
  platform,
  keys,
  clients = [],
  scopes,
  server,
  sections,
  env,
  before,
}: WorldOptions): Promise<World> {
  const simulator = await startPlatform({ apps, ...platform });
  before?.(simulator);
  const callers = keys ?? { orders: newApiKey() };
  const config = brokerConfig({
    apps: apps.map((app) => ({ ...app, apiBaseUrl: app.apiBaseUrl ?? simulator.url })),
    keys: callers,
    clients,
    ...(scopes && { scopes }),
    ...(server && { server }),
    ...(sections && { sections }),
  });
  const broker = await startBroker({ config, key: Object.values(callers)[0], ...(env && { env }) });
  return { simulator, broker };
}
