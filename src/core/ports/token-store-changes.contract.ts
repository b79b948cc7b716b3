import { appNamed } from '../../../test/support/app-identity.js';
import { identityKey, type AppIdentity } from '../app-definition.js';
import { APP, BUSY, type StoreSteps } from './token-store-steps.contract.js';

/** The list of changes, as it works while nothing of it is lost. */
export function describeChanges(steps: StoreSteps): void {
  describe('lists what has changed', () => {
    const SHOP = identityKey(APP);
    let cursor: string | null;

    /** What the other replica finds in the list now. */
    const seen = async (): Promise<readonly string[] | string> => {
      const changes = await steps.there.changes(cursor);
      if (changes.kind !== 'unsupported') cursor = changes.cursor;
      return changes.kind === 'since' ? [...changes.keys].sort() : changes.kind;
    };

    beforeEach(async () => {
      cursor = null;
      expect(await seen()).toBe('gap');
    });

    it('begins with a gap, and then says nothing while nothing changes', async () => {
      expect(await seen()).toEqual([]);
      await steps.store.read(APP);
      expect(await seen()).toEqual([]);
    });

    it('names an app, once, whose fetch began, and once more when it has ended', async () => {
      const permit = await steps.begin();
      expect(await seen()).toEqual([SHOP]);
      await steps.commit(permit, 'one');
      await steps.abort(await steps.begin(), 'refused', BUSY);
      expect(await seen()).toEqual([SHOP]);
      expect(await seen()).toEqual([]);
    });

    it('names an app whose token became suspect, and none whose step changed nothing', async () => {
      const permit = await steps.begin();
      await steps.commit(permit, 'one');
      await seen();
      const fork = { record: null, committed: permit.fence - 1 };
      expect((await steps.store.reconcile(APP, fork)).suspect).toBe(permit.fence);
      expect(await seen()).toEqual([SHOP]);
      await steps.store.reconcile(APP, fork);
      await steps.commit(permit, 'one');
      expect(await steps.refusal({ seenGeneration: 0 })).toBe('moved');
      expect(await seen()).toEqual([]);
    });

    it('names an app that a replica filled again after the store had lost it', async () => {
      await steps.commit(await steps.begin(), 'one');
      const record = { ...(await steps.stored()) };
      await seen();
      const held = { ...record, generation: record.generation + 1 };
      await steps.store.reconcile(APP, { record: held, committed: 0 });
      expect(await seen()).toEqual([SHOP]);
    });

    it('names every app of many, whoever looks and wherever it began', async () => {
      const apps: readonly AppIdentity[] = [appNamed('blog'), appNamed('news'), appNamed('wiki')];
      const began = cursor;
      for (const app of apps) {
        const record = { ...RECORD, generation: 7 };
        await steps.store.reconcile(app, { record, committed: 0 });
      }
      const names = apps.map(identityKey).sort();
      expect(await seen()).toEqual(names);
      cursor = began;
      expect(await seen()).toEqual(names);
    });
  });
}

const RECORD = {
  base: 0,
  since: 7,
  value: 'seven',
  issuedAtMs: 1,
  expiresAtMs: 2,
  owner: 'me',
  reason: 'cold',
} as const;
