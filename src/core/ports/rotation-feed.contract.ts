import { SHOP } from '../../../test/support/app-identity.js';
import { identityKey } from '../app-definition.js';
import type { RotationFeed } from './rotation-feed.js';

const KEY = identityKey(SHOP);

/** One implementation under test: two ends of the same feed, which may be one. */
export interface FeedUnderTest {
  readonly here: RotationFeed;
  readonly there: RotationFeed;
  /** Resolves once what was published has had time to arrive. */
  settle(): Promise<void>;
}

/** What the refresh protocol relies on while no message is lost. */
export function describeRotationFeed(name: string, create: () => Promise<FeedUnderTest>): void {
  describe(`${name} as a rotation feed`, () => {
    it('tells every subscriber, the publisher’s own included, until it unsubscribes', async () => {
      const feed = await create();
      const heard: string[] = [];
      const unsubscribe = feed.here.subscribe(({ key, generation }) => {
        heard.push(`here ${key} ${String(generation)}`);
      });
      feed.there.subscribe(({ key, generation }) => {
        heard.push(`there ${key} ${String(generation)}`);
      });
      await feed.settle();
      await feed.here.publish(SHOP, 1_795_250_000_123);
      await feed.settle();
      expect(heard.sort()).toEqual([`here ${KEY} 1795250000123`, `there ${KEY} 1795250000123`]);
      unsubscribe();
      await feed.there.publish(SHOP, 2);
      await feed.settle();
      expect(heard).toHaveLength(3);
      expect(heard).toContain(`there ${KEY} 2`);
    });
  });
}
