import { randomBytes } from 'node:crypto';
import type { WechatSimulator } from '@access-token-broker/simulator';
import { startBalancer } from './balancer.js';
import { brokerConfig } from './broker-config.js';
import { startBroker, type BrokerProcess } from './broker-process.js';
import { RedisServer } from './redis-server.js';
import { startPlatform } from './start-platform.js';
import type { WorldOptions } from './start-world.js';

export interface ReplicatedWorld {
  readonly simulator: WechatSimulator;
  /** Send the first caller's key. */
  readonly replicas: readonly [BrokerProcess, BrokerProcess];
  /** Of the balancer, which sends each request to the next replica. */
  readonly url: string;
}

/** A platform, a Redis, and two replicas of a broker behind a balancer, all of them ready. */
export async function startReplicas({
  apps,
  platform,
  keys = {},
  clients = [],
  server,
  sections,
}: WorldOptions): Promise<ReplicatedWorld> {
  const simulator = await startPlatform({ apps, ...platform });
  const redis = await RedisServer.start();
  const config = brokerConfig({
    apps: apps.map((app) => ({ ...app, apiBaseUrl: simulator.url })),
    keys,
    clients,
    ...(server && { server }),
    sections: {
      ...sections,
      redis: { url: redis.url() },
      encryption: { keys: [{ id: 'k1', key: randomBytes(32).toString('base64') }] },
    },
  });
  const [key] = Object.values(keys);
  // One after the other: on a busy machine, two that start at once may both find the store too slow, and both fetch.
  const first = await startBroker({ config, key });
  await first.ready();
  const second = await startBroker({ config, key });
  await second.ready();
  const url = await startBalancer([first.url, second.url]);
  return { simulator, replicas: [first, second], url };
}
