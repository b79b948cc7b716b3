import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gatewayClient, newApiKey, newApp } from '../support/broker-config.js';
import type { BrokerProcess } from '../support/broker-process.js';
import { startReplicas, type ReplicatedWorld } from '../support/start-replicas.js';
import type { WorldOptions } from '../support/start-world.js';
import { LineProgram, type Answer, type Command } from './line-program.js';
import { ONE_HOST_SDKS } from './commands.js';

const folders: string[] = [];

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** One program, and the app that is its alone. */
export interface Tried {
  readonly app: string;
  readonly appId: string;
  readonly program: LineProgram;
  readonly greeting: Answer;
}

export interface SdkWorld<Name extends string> extends ReplicatedWorld {
  /** One of the replicas. */
  readonly broker: BrokerProcess;
  readonly tried: (name: Name) => Tried;
}

/** A platform, two replicas behind a balancer, and a program for each command, each with an app of its own. */
export async function startSdkWorld<Name extends string>(
  commands: Readonly<Record<Name, Command>>,
  grant: 'classic' | 'stable',
  platform: WorldOptions['platform'] = {},
): Promise<SdkWorld<Name>> {
  const names = Object.keys(commands) as Name[];
  const apps = names.map((name) => ({ name, grant, ...newApp() }));
  const apiKey = newApiKey();
  const oneHostKey = newApiKey();
  const calls = ['GET /cgi-bin/user/info', 'POST /cgi-bin/message/custom/send', '* /cgi-bin/media/*'];
  const world = await startReplicas({
    apps,
    platform,
    keys: { orders: apiKey },
    clients: [gatewayClient('one-host', oneHostKey, calls, { virtualTokens: true })],
  });
  const [broker] = world.replicas;
  const shared = {
    BROKER_URL: world.url,
    WECHAT_URL: world.simulator.url,
    CACHE_FOLDER: tempFolder(),
  };
  const all = await Promise.all(
    apps.map(async ({ name, appId }): Promise<readonly [Name, Tried]> => {
      const API_KEY = name in ONE_HOST_SDKS ? oneHostKey : apiKey;
      const program = new LineProgram(commands[name], { ...shared, API_KEY, APP: name, APP_ID: appId });
      return [name, { app: name, appId, program, greeting: await program.greeting }];
    }),
  );
  const byName = new Map(all);
  return {
    ...world,
    broker,
    tried: (name) => {
      const tried = byName.get(name);
      if (!tried) throw new Error(`${name} was not started`);
      return tried;
    },
  };
}

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'access-token-broker-sdk-'));
  folders.push(folder);
  return folder;
}
