import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import type { Lease, RefreshLease } from './refresh-lease.js';

/** One implementation under test. */
export interface LeaseUnderTest {
  readonly lease: RefreshLease;
  /** Lets this much time go by. */
  elapse(ms: number): Promise<void>;
}

const LEASE_MS = 30_000;

/** What the refresh protocol relies on, and no more. */
export function describeRefreshLease(name: string, create: () => Promise<LeaseUnderTest>): void {
  describe(`${name} as a refresh lease`, () => {
    let harness: LeaseUnderTest;
    beforeEach(async () => {
      harness = await create();
    });
    const acquire = async (app = SHOP): Promise<Lease> => {
      const acquired = await harness.lease.acquire(app, LEASE_MS);
      if (acquired.kind !== 'acquired') throw new Error(acquired.kind);
      return acquired.lease;
    };

    it('has one holder per app', async () => {
      await acquire();
      expect((await harness.lease.acquire(SHOP, LEASE_MS)).kind).toBe('held');
      await expect(acquire(appNamed('other'))).resolves.toMatchObject({ app: { name: 'other' } });
    });

    it('has one holder per AppID and grant of a name', async () => {
      await acquire();
      await expect(acquire(appNamed('shop', { appId: 'wxfedcba9876543210' }))).resolves.toBeDefined();
      await expect(acquire(appNamed('shop', { grant: 'classic' }))).resolves.toBeDefined();
    });

    it('gives every holder an id of its own', async () => {
      const first = await acquire();
      await harness.lease.release(first);
      expect((await acquire()).id).not.toBe(first.id);
    });

    it('goes to the next one when it is released or has run out', async () => {
      await harness.lease.release(await acquire());
      await acquire();
      await harness.elapse(LEASE_MS + 50);
      await expect(acquire()).resolves.toBeDefined();
    });

    it('is not released by somebody who lost it', async () => {
      const lost = await acquire();
      await harness.elapse(LEASE_MS + 50);
      await acquire();
      await harness.lease.release(lost);
      expect((await harness.lease.acquire(SHOP, LEASE_MS)).kind).toBe('held');
    });

    it('gives exactly one of many what they ask for at once', async () => {
      const tried = await Promise.all(
        Array.from({ length: 20 }, () => harness.lease.acquire(SHOP, LEASE_MS)),
      );
      expect(tried.filter(({ kind }) => kind === 'acquired')).toHaveLength(1);
    });
  });
}
