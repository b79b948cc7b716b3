import type { RotationFeed } from './rotation-feed.js';

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
      const unsubscribe = feed.here.subscribe((app, generation) => {
        heard.push(`here ${app} ${String(generation)}`);
      });
      feed.there.subscribe((app, generation) => {
        heard.push(`there ${app} ${String(generation)}`);
      });
      await feed.settle();
      await feed.here.publish('shop', 1_795_250_000_123);
      await feed.settle();
      expect(heard.sort()).toEqual(['here shop 1795250000123', 'there shop 1795250000123']);
      unsubscribe();
      await feed.there.publish('shop', 2);
      await feed.settle();
      expect(heard).toHaveLength(3);
      expect(heard).toContain('there shop 2');
    });
  });
}
