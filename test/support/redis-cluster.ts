import { eventually } from './eventually.js';
import { freePort } from './free-port.js';
import { RedisServer } from './redis-server.js';

const LAST_SLOT = 16_383;

/** A Redis Cluster of two nodes, each with one half of the slots and no replica. Ends with the test file. */
export class RedisCluster {
  private constructor(
    readonly first: RedisServer,
    readonly second: RedisServer,
  ) {}

  /** Resolves when both nodes know the whole cluster. */
  static async start(users: readonly string[] = []): Promise<RedisCluster> {
    const busPort = await freePort();
    const half = Math.floor(LAST_SLOT / 2);
    const first = await startClusterNode({ users, busPort, slots: [0, half] });
    const second = await startClusterNode({
      users,
      busPort: await freePort(),
      slots: [half + 1, LAST_SLOT],
    });
    await second.call('CLUSTER', 'MEET', first.host, String(first.port), String(busPort));
    await Promise.all([formed(first), formed(second)]);
    return new RedisCluster(first, second);
  }

  /** Begins to move the slot of a key to the other node: both are told, and no key has moved yet. */
  async beginMove(key: string): Promise<SlotMove> {
    const slot = String(await this.first.call('CLUSTER', 'KEYSLOT', key));
    const isFirst = Number(slot) <= LAST_SLOT / 2;
    const [from, to] = isFirst ? [this.first, this.second] : [this.second, this.first];
    const [fromId, toId] = [await idOf(from), await idOf(to)];
    await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
    await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    return {
      moveKeys: async () => {
        const keys = (await from.call('CLUSTER', 'GETKEYSINSLOT', slot, '1000')) as string[];
        const target = [to.host, String(to.port), '', '0', '5000', 'AUTH', to.password, 'KEYS'];
        if (keys.length > 0) await from.call('MIGRATE', ...target, ...keys);
      },
      end: async () => {
        for (const node of [to, from]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', toId);
      },
    };
  }
}

export interface SlotMove {
  /** All that are there by now. */
  moveKeys(): Promise<void>;
  /** From then on the new node is the slot's, and the old one says so: MOVED. */
  end(): Promise<void>;
}

export async function startClusterNode({
  users,
  busPort,
  slots: [firstSlot, lastSlot],
}: {
  readonly users: readonly string[];
  readonly busPort: number;
  readonly slots: readonly [first: number, last: number];
}): Promise<RedisServer> {
  const server = await RedisServer.start({
    users,
    directives: [
      ['cluster-enabled', 'yes'],
      ['cluster-port', String(busPort)],
      ['cluster-announce-ip', '127.0.0.1'],
    ],
  });
  await server.call('CLUSTER', 'ADDSLOTSRANGE', String(firstSlot), String(lastSlot));
  return server;
}

/** Resolves when the node knows an owner of every slot. */
export function formed(server: RedisServer): Promise<unknown> {
  return eventually('a cluster', async () =>
    String(await server.call('CLUSTER', 'INFO')).includes('cluster_state:ok'),
  );
}

async function idOf(server: RedisServer): Promise<string> {
  return String(await server.call('CLUSTER', 'MYID'));
}
