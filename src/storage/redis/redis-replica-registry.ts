import { MAX_AHEAD_MS, readReplica } from '../../core/console/read-stored.js';
import {
  MAX_SILENT_MS,
  MAX_UNUSED_MS,
  ReplicaRegistry,
  type LastUse,
  type LivingReplica,
  type ReplicaReport,
} from '../../core/ports/replica-registry.js';
import type { AppName } from '../../core/token.js';
import { generationsKey, lastUsesKey, replicasKey } from './keys.js';
import type { RedisConnection } from './redis-connection.js';
import { defineScripts } from './redis-scripts.js';

/** Apps, or identities, of one command. */
const MAX_AT_ONCE = 500;
/** Beyond them new ones are not noted until old ones end. */
const MAX_IDENTITIES = 10_000;
/** About an hour: a replica notes uses every 10 s. The first time too. */
const NOTES_PER_CLEAR_UP = 360;

/** The replicas in a hash of Redis, whose clock says how long each has been silent. */
export class RedisReplicaRegistry extends ReplicaRegistry {
  private notes = 0;

  constructor(
    private readonly connection: RedisConnection,
    private readonly keyPrefix: string,
  ) {
    super();
    defineScripts(connection.client);
  }

  override async beat(own: ReplicaReport): Promise<readonly LivingReplica[]> {
    const [nowMs, ...pairs] = await this.connection.run(() =>
      this.connection.client.brokerReplicaBeat(
        replicasKey(this.keyPrefix),
        own.id,
        JSON.stringify(own),
        MAX_SILENT_MS,
      ),
    );
    const replicas: LivingReplica[] = [];
    for (let at = 1; at < pairs.length; at += 2) {
      const [, seenAt = '', stored = ''] = /^(\d{1,16}) (.*)$/s.exec(pairs[at] ?? '') ?? [];
      const report = readReplica(stored);
      if (!report || report.id !== pairs[at - 1]) continue;
      const seenAtMs = Number(seenAt);
      replicas.push({ ...report, seenAtMs, silentMs: Math.max(0, Number(nowMs) - seenAtMs) });
    }
    return replicas;
  }

  override async leave(replica: string): Promise<void> {
    const { client } = this.connection;
    await this.connection
      .run(() =>
        Promise.all([
          client.hdel(replicasKey(this.keyPrefix), replica),
          client.del(generationsKey(this.keyPrefix, replica)),
        ]),
      )
      .catch(() => undefined);
  }

  override async show(replica: string, changed: ReadonlyMap<AppName, number>): Promise<void> {
    const key = generationsKey(this.keyPrefix, replica);
    const pairs = [...changed];
    for (let at = 0; at < pairs.length; at += MAX_AT_ONCE) {
      const some = Object.fromEntries(pairs.slice(at, at + MAX_AT_ONCE));
      await this.connection.run(() => this.connection.client.hset(key, some));
    }
    await this.connection.run(() => this.connection.client.pexpire(key, MAX_SILENT_MS));
  }

  override async shownBy(replica: string): Promise<ReadonlyMap<AppName, number>> {
    const stored = await this.connection.run(() =>
      this.connection.client.hgetall(generationsKey(this.keyPrefix, replica)),
    );
    const shown = Object.entries(stored).map(([app, text]): [AppName, number] => [app, Number(text)]);
    return new Map(shown.filter(([, generation]) => Number.isSafeInteger(generation)));
  }

  override async noteUses(replica: string, uses: ReadonlyMap<string, number>): Promise<void> {
    const key = lastUsesKey(this.keyPrefix);
    const pairs = [...uses];
    for (let at = 0; at < pairs.length; at += MAX_AT_ONCE) {
      const some = pairs.slice(at, at + MAX_AT_ONCE).flat();
      const clearUp = this.notes % NOTES_PER_CLEAR_UP === 0 ? 1 : 0;
      const limits = [MAX_UNUSED_MS, MAX_IDENTITIES, MAX_AHEAD_MS, clearUp];
      await this.connection.run(() =>
        this.connection.client.brokerNoteUses(key, replica, ...limits, ...some),
      );
      this.notes += 1;
    }
  }

  override async lastUses(): Promise<ReadonlyMap<string, LastUse>> {
    const stored = await this.connection.run(() =>
      this.connection.client.hgetall(lastUsesKey(this.keyPrefix)),
    );
    const uses = new Map<string, LastUse>();
    for (const [identity, text] of Object.entries(stored).slice(0, MAX_IDENTITIES)) {
      const [, atMs, replica] = /^(\d{1,15}) (.{1,200})$/.exec(text) ?? [];
      if (replica !== undefined) uses.set(identity, { atMs: Number(atMs), replica });
    }
    return uses;
  }
}
