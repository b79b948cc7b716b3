import { NO_COUNT, type Charge } from '../refresh/budgets.js';
import { APP, LEASE_MS, BUSY, FORCED, budgetOf, type StoreSteps } from './token-store-steps.contract.js';
import { DAY_MS } from './clock.js';

/** When a fetch may begin, and what a begin leaves behind. */
export function describeBegin(steps: StoreSteps): void {
  describe('begin', () => {
    it('leaves an intent and counts the fetch', async () => {
      const permit = await steps.begin({ charge: FORCED });
      const view = await steps.store.read(APP);
      expect(view.intent?.fence).toBe(permit.fence);
      expect(view.beganAtMs).toBe(view.intent?.atMs);
      expect(view.count).toEqual({ ...NO_COUNT, fetches: 1, forced: 1 });
      expect(permit).toMatchObject({ overlapping: false, view: { record: null, intent: null } });
    });

    it('takes a fence above the store’s time, the last fence and the highest known generation', async () => {
      const first = await steps.begin();
      expect(first.fence).toBeGreaterThanOrEqual(Math.floor(first.view.nowMs));
      expect((await steps.begin()).fence).toBeGreaterThan(first.fence);
      const highestKnown = first.fence + 1e6;
      expect((await steps.begin({ highestKnown })).fence).toBe(highestKnown + 1);
    });

    it('is refused without the lease', async () => {
      const lease = await steps.acquire();
      expect((await steps.store.begin(APP, steps.request({ app: APP, id: 'another' }))).kind).toBe(
        'lease_lost',
      );
      await steps.lease.release(lease);
      expect((await steps.store.begin(APP, steps.request(lease))).kind).toBe('lease_lost');
      expect((await steps.store.read(APP)).intent).toBeNull();
    });

    it('is refused once the lease ran out', async () => {
      const lease = await steps.acquire();
      await steps.elapse(LEASE_MS + 50);
      expect((await steps.store.begin(APP, steps.request(lease))).kind).toBe('lease_lost');
    });

    it('hands over what is newer than what the caller saw, unless it expired', async () => {
      await steps.commit(await steps.begin(), 'one', LEASE_MS);
      const { generation } = await steps.stored();
      expect(await steps.refusal({ seenGeneration: generation - 1 })).toBe('moved');
      await steps.abort(await steps.begin({ seenGeneration: generation }), 'not_sent');
      await steps.elapse(LEASE_MS + 50);
      await expect(steps.begin({ seenGeneration: 0 })).resolves.toBeDefined();
    });

    it('waits for a back-off, which an override passes', async () => {
      await steps.abort(await steps.begin(), 'refused', BUSY);
      expect(await steps.refusal()).toBe('backing_off');
      expect(await steps.refusal({ ignoreBackOff: 'mendable' })).toBe('backing_off');
      await steps.abort(await steps.begin({ ignoreBackOff: 'all' }), 'refused', {
        ...BUSY,
        class: 'day_quota',
      });
      expect(await steps.refusal()).toBe('backing_off');
      const configuration = { ...BUSY, class: 'configuration' } as const;
      await steps.abort(await steps.begin({ ignoreBackOff: 'mendable' }), 'refused', configuration);
      expect(await steps.refusal()).toBe('backing_off');
      await steps.abort(await steps.begin({ ignoreBackOff: 'mendable' }), 'refused', BUSY);
      await steps.elapse(BUSY.delayMs + 50);
      await expect(steps.begin()).resolves.toBeDefined();
    });

    it('holds the budgets', async () => {
      const budget = budgetOf(2, 1);
      await steps.commit(await steps.begin({ budget, charge: FORCED }), 'one');
      expect(await steps.refusal({ budget, charge: FORCED })).toBe('forced budget');
      await steps.commit(await steps.begin({ budget }), 'two');
      expect(await steps.refusal({ budget })).toBe('daily budget');
    });

    it('begins the count anew on each day of the platform, also that of each client', async () => {
      const charge: Charge = { pool: 'unproven', client: 'orders' };
      await steps.abort(await steps.begin({ budget: budgetOf(1, 1), charge }), 'refused');
      expect(await steps.refusal({ budget: budgetOf(1, 1), charge })).toBe('daily budget');
      const next = budgetOf(1, 1, DAY_MS);
      const permit = await steps.begin({ budget: next, charge });
      expect(permit.day).toBe(permit.view.day + 1);
      expect(await steps.store.read(APP)).toMatchObject({
        day: permit.day,
        count: { fetches: 1, unproven: 1 },
      });
      expect(await steps.refusal({ budget: next, charge })).toBe('daily budget');
    });

    it('has a pool for each kind of fetch, so that none uses up another', async () => {
      const budget = budgetOf(9, 1);
      for (const pool of ['forced', 'forceNew', 'unproven'] as const) {
        const charge = { pool, client: 'orders' };
        await steps.abort(await steps.begin({ budget, charge }), 'refused');
        expect(await steps.refusal({ budget, charge })).toBe(`${pool} budget`);
      }
      expect((await steps.store.read(APP)).count).toEqual({
        fetches: 3,
        forced: 1,
        forceNew: 1,
        unproven: 1,
      });
    });

    it('lets what is forced pass when the others have used up the day', async () => {
      const budget = budgetOf(1, 1);
      await steps.abort(await steps.begin({ budget }), 'refused');
      await steps.abort(await steps.begin({ budget, charge: FORCED }), 'refused');
      expect(await steps.refusal({ budget, charge: FORCED })).toBe('forced budget');
    });

    it('gives no client more than half of what is unproven', async () => {
      const budget = budgetOf(9, 3);
      const of = (client: string): Charge => ({ pool: 'unproven', client });
      const given = await steps.begin({ budget, charge: of('orders') });
      await steps.store.abort(APP, {
        permit: given,
        charge: of('orders'),
        outcome: 'not_sent',
        backOff: null,
      });
      await steps.abort(await steps.begin({ budget, charge: of('orders') }), 'refused');
      await steps.abort(await steps.begin({ budget, charge: of('orders') }), 'refused');
      expect(await steps.refusal({ budget, charge: of('orders') })).toBe('client budget');
      await steps.abort(await steps.begin({ budget, charge: of('billing') }), 'refused');
      expect(await steps.refusal({ budget, charge: of('billing') })).toBe('unproven budget');
    });

    it('is not held up by the refusal of another AppID or AppSecret', async () => {
      const refused = { ...BUSY, class: 'configuration', credential: '0123abcd' } as const;
      await steps.abort(await steps.begin(), 'refused', refused);
      expect(await steps.refusal({ credential: '0123abcd' })).toBe('backing_off');
      expect(await steps.refusal({ credential: null })).toBe('backing_off');
      await expect(steps.begin({ credential: '4567cdef' })).resolves.toBeDefined();
    });
  });
}
