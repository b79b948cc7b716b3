import { appNamed } from '../../../test/support/app-identity.js';
import { NO_COUNT } from '../refresh/budgets.js';
import { suspectReasonOf } from '../refresh/policy.js';
import {
  APP,
  LEASE_MS,
  LIFE_MS,
  BUSY,
  FORCED,
  budgetOf,
  type StoreSteps,
} from './token-store-steps.contract.js';
import { DAY_MS } from './clock.js';

/** How a fetch ends: with a token, or without one. */
export function describeEnds(steps: StoreSteps): void {
  describe('commit', () => {
    it('stores the token, closes the intent and ends the back-off', async () => {
      await steps.abort(await steps.begin(), 'refused', BUSY);
      await steps.commit(await steps.begin({ ignoreBackOff: 'all' }), 'one');
      const permit = await steps.begin();
      expect(await steps.commit(permit, 'two')).toMatchObject({
        kind: 'committed',
        view: { intent: null, backOff: null, failures: 0 },
      });
      const record = await steps.stored();
      expect(record).toEqual({
        generation: permit.fence,
        base: permit.view.record?.generation,
        since: permit.fence,
        value: 'two',
        issuedAtMs: permit.view.nowMs,
        expiresAtMs: permit.view.nowMs + LIFE_MS,
        owner: 'me',
        reason: 'scheduled',
      });
      expect(suspectReasonOf(await steps.store.read(APP))).toBeNull();
    });

    it('is the same when it is repeated, even after the next one', async () => {
      const permit = await steps.begin();
      const first = await steps.commit(permit, 'one');
      expect(await steps.commit(permit, 'one')).toMatchObject({
        kind: 'committed',
        view: { record: first.view.record, suspect: 0 },
      });
      await steps.commit(await steps.begin(), 'two');
      expect(await steps.commit(permit, 'one')).toMatchObject({
        kind: 'committed',
        view: { record: { value: 'two' }, suspect: 0 },
      });
    });

    it('needs no lease', async () => {
      const permit = await steps.begin();
      await steps.elapse(LEASE_MS + 50);
      const rival = await steps.acquire();
      expect((await steps.commit(permit, 'one')).kind).toBe('committed');
      await steps.lease.release(rival);
    });

    it('remembers since when a value is the same', async () => {
      const first = await steps.begin();
      await steps.commit(first, 'one');
      const again = await steps.begin();
      await steps.commit(again, 'one', 30_000);
      expect(await steps.stored()).toMatchObject({
        generation: again.fence,
        since: first.fence,
        value: 'one',
      });
      const other = await steps.begin();
      await steps.commit(other, 'two');
      expect((await steps.stored()).since).toBe(other.fence);
    });

    it('drops a token that comes late, and suspects the one that is stored', async () => {
      const slow = await steps.begin();
      const fast = await steps.begin();
      await steps.commit(fast, 'fast');
      expect((await steps.commit(slow, 'slow')).kind).toBe('superseded');
      const view = await steps.store.read(APP);
      expect(view.record?.value).toBe('fast');
      expect(suspectReasonOf(view)).toBe('suspect');
    });

    it('suspects a token whose base was replaced while it was fetched', async () => {
      await steps.commit(await steps.begin(), 'one');
      const first = await steps.begin();
      const second = await steps.begin();
      await steps.commit(first, 'two');
      await steps.commit(second, 'three');
      const view = await steps.store.read(APP);
      expect(view.record).toMatchObject({ value: 'three', base: first.view.record?.generation });
      expect(suspectReasonOf(view)).toBe('suspect');
    });

    it('suspects no token of a fetch that overlapped none', async () => {
      const slow = await steps.begin();
      await steps.commit(await steps.begin(), 'fast');
      await steps.commit(slow, 'slow');
      await steps.elapse(2 * LEASE_MS + 50);
      await steps.commit(await steps.begin(), 'healed');
      expect(suspectReasonOf(await steps.store.read(APP))).toBeNull();
    });
  });

  describe('abort', () => {
    it.each(['not_sent', 'refused'] as const)(
      'closes the intent when the request was %s',
      async (outcome) => {
        await steps.abort(await steps.begin(), outcome);
        expect(suspectReasonOf(await steps.store.read(APP))).toBeNull();
      },
    );

    it('gives what was not sent back to the budget', async () => {
      const permit = await steps.begin({ charge: FORCED });
      await steps.store.abort(APP, { permit, charge: FORCED, outcome: 'not_sent', backOff: null });
      expect((await steps.store.read(APP)).count).toEqual(NO_COUNT);
      await steps.abort(await steps.begin(), 'refused');
      expect((await steps.store.read(APP)).count).toEqual({ ...NO_COUNT, fetches: 1 });
    });

    it('gives nothing back to another day than that of the fetch', async () => {
      const permit = await steps.begin({ budget: budgetOf(9, 9) });
      await steps.begin({ budget: budgetOf(9, 9, DAY_MS) });
      await steps.abort(permit, 'not_sent');
      expect((await steps.store.read(APP)).count).toEqual({ ...NO_COUNT, fetches: 1 });
    });

    it('leaves the intent open when nobody knows what came of it', async () => {
      await steps.abort(await steps.begin(), 'unknown', BUSY);
      const view = await steps.store.read(APP);
      expect(suspectReasonOf(view)).toBe('in_doubt');
      expect(view.backOff).toMatchObject({ class: 'busy', errcode: -1, message: 'system error' });
    });

    it('keeps the error of a wait as it was, a word as a word', async () => {
      await steps.abort(await steps.begin(), 'refused', { ...BUSY, errcode: 'invalid_client' });
      expect((await steps.store.read(APP)).backOff?.errcode).toBe('invalid_client');
    });

    it('keeps the open outcome of an earlier fetch when a later one is refused', async () => {
      await steps.abort(await steps.begin(), 'unknown');
      await steps.abort(await steps.begin(), 'refused');
      expect(suspectReasonOf(await steps.store.read(APP))).toBe('in_doubt');
    });

    it('suspects what was stored after a fetch whose outcome stays unknown', async () => {
      const slow = await steps.begin();
      await steps.commit(await steps.begin(), 'fast');
      await steps.elapse(2 * LEASE_MS + 50);
      await steps.commit(await steps.begin(), 'later');
      await steps.abort(slow, 'unknown');
      expect(suspectReasonOf(await steps.store.read(APP))).toBe('suspect');
    });

    it('sets the shared back-off on the store’s clock and counts failures', async () => {
      await steps.abort(await steps.begin(), 'refused', BUSY);
      const view = await steps.abort(await steps.begin({ ignoreBackOff: 'all' }), 'refused', BUSY);
      expect(view.failures).toBe(2);
      const waitMs = (view.backOff?.untilMs ?? 0) - (view.backOff?.atMs ?? 0);
      expect(waitMs).toBe(BUSY.delayMs);
    });
  });

  describe('expire', () => {
    it('lets an app be used again, and gives no fence out twice', async () => {
      const before = await steps.begin();
      await steps.commit(before, 'one');
      await steps.store.expire(APP);
      await steps.elapse(2);
      const after = await steps.begin();
      expect(after.fence).toBeGreaterThan(before.fence);
      await steps.commit(after, 'two');
      expect((await steps.stored()).value).toBe('two');
    });

    it('touches no other app, and is harmless where nothing is stored', async () => {
      const other = appNamed('other');
      await steps.store.expire(other);
      await steps.commit(await steps.begin(), 'one');
      await steps.store.expire(other);
      expect((await steps.stored()).value).toBe('one');
    });
  });
}
