import { suspectReasonOf } from '../refresh/policy.js';
import type { TokenRecord } from '../token.js';
import { APP, LEASE_MS, LIFE_MS, type StoreSteps } from './token-store-steps.contract.js';

/** When a stored token counts as suspect, and how that ends. */
export function describeSuspect(steps: StoreSteps): void {
  describe('suspect', () => {
    it('suspects a token that was fetched while an earlier request may still reach the platform', async () => {
      await steps.abort(await steps.begin(), 'unknown');
      const permit = await steps.begin();
      expect(permit.overlapping).toBe(true);
      await steps.commit(permit, 'one');
      expect(suspectReasonOf(await steps.store.read(APP))).toBe('suspect');
    });

    it('suspects a third token too, while the first request may still reach the platform', async () => {
      await steps.abort(await steps.begin(), 'unknown');
      await steps.commit(await steps.begin(), 'one');
      const permit = await steps.begin();
      expect(permit.overlapping).toBe(true);
      await steps.commit(permit, 'two');
      expect(suspectReasonOf(await steps.store.read(APP))).toBe('suspect');
    });

    it('counts from when the outcome became unknown, because the request may have been sent late', async () => {
      const permit = await steps.begin();
      await steps.elapse(2 * LEASE_MS + 50);
      const { beganAtMs, nowMs } = await steps.abort(permit, 'unknown');
      expect(beganAtMs).toBe(nowMs);
      expect((await steps.begin()).overlapping).toBe(true);
    });

    it('remembers an unknown outcome of a fetch that the store knows nothing of', async () => {
      await steps.commit(await steps.begin(), 'one');
      const { nowMs } = await steps.store.read(APP);
      await steps.abort(
        { fence: Math.floor(nowMs) + 1000, day: 0, overlapping: false, view: await steps.store.read(APP) },
        'unknown',
      );
      expect(suspectReasonOf(await steps.store.read(APP))).not.toBeNull();
    });

    it('trusts it again once that request is two lease times old', async () => {
      await steps.abort(await steps.begin(), 'unknown');
      await steps.elapse(2 * LEASE_MS + 50);
      const permit = await steps.begin();
      expect(permit).toMatchObject({ overlapping: false, view: { intent: expect.anything() } });
      await steps.commit(permit, 'one');
      expect(suspectReasonOf(await steps.store.read(APP))).toBeNull();
    });
  });

  describe('reconcile', () => {
    const lost = (generation: number, nowMs: number): TokenRecord => ({
      generation,
      base: 0,
      since: generation,
      value: 'lost',
      issuedAtMs: nowMs,
      expiresAtMs: nowMs + LIFE_MS,
      owner: 'me',
      reason: 'cold',
    });

    it('changes nothing when the store is not behind', async () => {
      await steps.commit(await steps.begin(), 'one');
      const before = await steps.stored();
      const { generation } = before;
      await steps.store.reconcile(APP, { record: null, committed: 0 });
      const view = await steps.store.reconcile(APP, { record: before, committed: generation });
      expect(view.record).toEqual(before);
      expect(suspectReasonOf(view)).toBeNull();
    });

    it('re-seeds a store that lost the token, and marks it as suspect', async () => {
      const { nowMs } = await steps.store.read(APP);
      const record = lost(Math.floor(nowMs) + 1000, nowMs);
      const view = await steps.store.reconcile(APP, { record, committed: record.generation });
      expect(view.record).toEqual(record);
      expect(suspectReasonOf(view)).toBe('rollback');
      expect(view.beganAtMs).toBe(view.nowMs);
      expect((await steps.begin()).fence).toBeGreaterThan(record.generation);
    });

    it('marks as suspect a record that was fetched without knowing of one that was committed here', async () => {
      const permit = await steps.begin();
      await steps.commit(permit, 'fork');
      const view = await steps.store.reconcile(APP, { record: null, committed: permit.fence - 1 });
      expect(suspectReasonOf(view)).toBe('rollback');
    });

    it('heals the fork with one fetch', async () => {
      const permit = await steps.begin();
      await steps.commit(permit, 'fork');
      const committed = permit.fence - 1;
      await steps.store.reconcile(APP, { record: null, committed });
      await steps.elapse(2 * LEASE_MS + 50);
      await steps.commit(await steps.begin(), 'healed');
      expect(suspectReasonOf(await steps.store.reconcile(APP, { record: null, committed }))).toBeNull();
    });
  });
}
