import { NO_COUNT } from '../refresh/budgets.js';
import { appNamed } from '../../../test/support/app-identity.js';
import { describeChanges } from './token-store-changes.contract.js';
import { describeBegin } from './token-store-begin.contract.js';
import { describeEnds } from './token-store-ends.contract.js';
import { describeSuspect } from './token-store-suspect.contract.js';
import { APP, LIFE_MS, StoreSteps, type StoreUnderTest } from './token-store-steps.contract.js';
import { DAY_MS } from './clock.js';

/** The transition table of the refresh protocol, which every store has to follow to the letter. */
export function describeTokenStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a token store`, () => {
    const steps = new StoreSteps(create);

    it('knows nothing of an app at first', async () => {
      expect(await steps.store.read(APP)).toMatchObject({
        record: null,
        fence: 0,
        suspect: 0,
        intent: null,
        beganAtMs: 0,
        backOff: null,
        failures: 0,
        count: NO_COUNT,
      });
    });

    it('keeps what the platform named the type of a token', async () => {
      const permit = await steps.begin();
      const token = { value: 'one', expiresInMs: LIFE_MS, tokenType: 'DPoP' };
      await steps.store.commit(APP, { permit, ...token, owner: 'me', reason: 'scheduled' });
      expect(await steps.stored()).toMatchObject({ value: 'one', tokenType: 'DPoP' });
    });

    it('keeps the apps apart, by name, provider, AppID and grant', async () => {
      await steps.commit(await steps.begin(), 'one');
      const others = [
        appNamed('other'),
        appNamed(APP.name, { provider: 'other' }),
        appNamed(APP.name, { appId: 'wxfedcba9876543210' }),
        appNamed(APP.name, { grant: 'classic' }),
      ];
      for (const other of others) {
        expect(await steps.store.read(other)).toMatchObject({
          record: null,
          fence: 0,
          count: { fetches: 0 },
        });
      }
      expect((await steps.stored()).value).toBe('one');
    });

    it('takes nothing over that is more than a day ahead of its clock', async () => {
      const permit = await steps.begin({ highestKnown: Number.MAX_SAFE_INTEGER - 1 });
      expect(permit.fence).toBeLessThan(permit.view.nowMs + 1000);
      await steps.commit(permit, 'one');
      const ahead = { ...(await steps.stored()), generation: Math.floor(permit.view.nowMs) + 2 * DAY_MS };
      const view = await steps.store.reconcile(APP, { record: ahead, committed: ahead.generation });
      expect(view).toMatchObject({ record: { value: 'one' }, suspect: 0, rolledBack: 0 });
      expect((await steps.begin()).fence).toBeLessThan(permit.fence + DAY_MS);
    });

    describeBegin(steps);
    describeEnds(steps);
    describeSuspect(steps);
    describeChanges(steps);
  });
}
