import { APP, createBroker } from '../../../test/support/create-broker.js';
import { settle } from '../../../test/support/manual-clock.js';
import type { RotationFeed } from '../ports/rotation-feed.js';

const MINUTE_MS = 60_000;

describe('messages that may have been lost', () => {
  it('make every replica look into the store soon', async () => {
    const fixture = createBroker({ reconcileMs: 60_000 });
    const gaps: (() => void)[] = [];
    const feed: RotationFeed = fixture.feed;
    const subscribe = feed.subscribe.bind(feed);
    feed.subscribe = (listener, onGap) => {
      if (onGap) gaps.push(onGap);
      return subscribe(gaps.length === 1 ? listener : () => undefined);
    };
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await fixture.start();
    await sibling.start();
    await fixture.broker.report(APP, { caller: 'orders', force: true });
    await settle();
    expect(sibling.held(APP)?.record.value).toBe('token-1');
    for (const gap of gaps) gap();
    await fixture.clock.advance(1000);
    sibling.runDue();
    await settle();
    expect(sibling.held(APP)?.record.value).toBe('token-2');
  });
});

describe('after a long pause of the process', () => {
  it('nothing is served before the store was asked', async () => {
    const fixture = createBroker();
    await fixture.start();
    fixture.issuer.probeOutcome = 'accepted';
    const sibling = fixture.sibling();
    await sibling.start();
    await fixture.broker.report(APP, { caller: 'orders', force: true });
    await fixture.clock.advance(10 * MINUTE_MS);
    expect(sibling.held(APP)).toBeUndefined();
    await expect(sibling.current(APP)).resolves.toMatchObject({ record: { value: 'token-2' } });
    sibling.runDue();
    await settle();
    expect(sibling.held(APP)?.record.value).toBe('token-2');
  });
});
