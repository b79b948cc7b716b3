import type { ReplicaRegistry, ReplicaReport } from './replica-registry.js';

export interface RegistryUnderTest {
  readonly registry: ReplicaRegistry;
  /** On the clock of the store. */
  readonly nowMs: number;
  readonly elapse: (ms: number) => Promise<void>;
}

export function replicaReport(id: string, more: Partial<ReplicaReport> = {}): ReplicaReport {
  return {
    id,
    version: '1.2.3',
    startedAtMs: 1_795_250_000_123,
    lagMs: null,
    configSha256: null,
    digest: 7,
    platforms: [],
    asks: [],
    answers: {},
    ...more,
  };
}

/** What the console relies on. */
export function describeReplicaRegistry(name: string, create: () => Promise<RegistryUnderTest>): void {
  describe(`${name} as a registry of replicas`, () => {
    it('tells each replica of all, and for how long each has been silent', async () => {
      const { registry, elapse } = await create();
      const fault = { atMs: 1_795_250_000_456, message: '证书过期', remedy: null };
      const first = replicaReport('a', {
        lagMs: 12,
        platforms: [{ host: 'api.weixin.qq.com', lastAnswerAtMs: null, failingApps: 2, fault }],
        asks: ['shop'],
        answers: { shop: { reads: 1 } },
      });
      await registry.beat(first);
      await elapse(120);
      const all = await registry.beat(replicaReport('b'));
      expect(all.map(({ id }) => id).sort()).toEqual(['a', 'b']);
      const seen = all.find(({ id }) => id === 'a');
      expect(seen).toMatchObject(first);
      expect(seen?.silentMs).toBeGreaterThanOrEqual(119);
      expect(all.find(({ id }) => id === 'b')?.silentMs).toBeLessThan(100);
    });

    it('has the newest word of each', async () => {
      const { registry } = await create();
      await registry.beat(replicaReport('a'));
      expect(await registry.beat(replicaReport('a', { digest: 8 }))).toMatchObject([{ id: 'a', digest: 8 }]);
    });

    it('does not know one any more that left', async () => {
      const { registry } = await create();
      await registry.beat(replicaReport('a'));
      await registry.show('a', new Map([['shop', 1]]));
      await registry.leave('a');
      expect((await registry.beat(replicaReport('b'))).map(({ id }) => id)).toEqual(['b']);
      expect(await registry.shownBy('a')).toEqual(new Map());
    });

    it('keeps what a replica shows, of which only what changed is stored', async () => {
      const { registry } = await create();
      await registry.show(
        'a',
        new Map([
          ['shop', 1],
          ['blog', 2],
        ]),
      );
      await registry.show('a', new Map([['shop', 3]]));
      await registry.show('a', new Map());
      expect(await registry.shownBy('a')).toEqual(
        new Map([
          ['shop', 3],
          ['blog', 2],
        ]),
      );
      expect(await registry.shownBy('b')).toEqual(new Map());
    });

    it('keeps of each identity the newest use and where that was, also when its replica is gone', async () => {
      const { registry, nowMs } = await create();
      expect(await registry.lastUses()).toEqual(new Map());
      await registry.noteUses('a', new Map([['orders key 0a1b2c3d', nowMs]]));
      await registry.noteUses(
        'b',
        new Map([
          ['orders key 0a1b2c3d', nowMs - 1],
          ['mailer jwt https://issuer 小红', nowMs - 2],
        ]),
      );
      await registry.noteUses('c', new Map());
      await registry.leave('a');
      expect(await registry.lastUses()).toEqual(
        new Map([
          ['orders key 0a1b2c3d', { atMs: nowMs, replica: 'a' }],
          ['mailer jwt https://issuer 小红', { atMs: nowMs - 2, replica: 'b' }],
        ]),
      );
      await registry.noteUses('b', new Map([['orders key 0a1b2c3d', nowMs + 1]]));
      expect((await registry.lastUses()).get('orders key 0a1b2c3d')).toEqual({
        atMs: nowMs + 1,
        replica: 'b',
      });
    });

    it('takes no use from the future, and keeps a later one that is none', async () => {
      const { registry, nowMs } = await create();
      const key = 'orders key 0a1b2c3d';
      await registry.noteUses('ahead', new Map([[key, nowMs + 3_600_000]]));
      expect(await registry.lastUses()).toEqual(new Map());
      await registry.noteUses('a', new Map([[key, nowMs]]));
      await registry.noteUses('ahead', new Map([[key, nowMs + 3_600_000]]));
      expect(await registry.lastUses()).toEqual(new Map([[key, { atMs: nowMs, replica: 'a' }]]));
    });
  });
}
