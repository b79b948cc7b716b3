import { NO_COUNT, type Budget, type Charge } from '../refresh/budgets.js';
import { appNamed, SHOP } from '../../../test/support/app-identity.js';
import type { RefreshLease, Lease } from './refresh-lease.js';
import { suspectReasonOf } from '../refresh/policy.js';
import type { BeginRequest, FailedFetch, Grant, TokenStore } from './token-store.js';
import type { TokenRecord } from '../token.js';

/** One implementation under test, empty at first. */
export interface StoreUnderTest {
  readonly store: TokenStore;
  readonly lease: RefreshLease;
  /** Lets this much of the store's time go by. */
  elapse(ms: number): Promise<void>;
}

const APP = SHOP;
const LEASE_MS = 400;
const LIFE_MS = 60_000;
const DAY_MS = 24 * 60 * 60 * 1000;
const BUSY: FailedFetch = {
  class: 'busy',
  errcode: -1,
  message: 'system error',
  credential: null,
  delayMs: 200,
};
const FORCED: Charge = { pool: 'forced', client: 'orders' };

function budgetOf(daily: number, forcedDaily: number, dayOffsetMs = 0): Budget {
  return { daily, forcedDaily, dayOffsetMs };
}

/** The transition table of the refresh protocol, which every store has to follow to the letter. */
export function describeTokenStore(name: string, create: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a token store`, () => {
    let store: TokenStore;
    let harness: StoreUnderTest;

    beforeEach(async () => {
      harness = await create();
      store = harness.store;
    });

    const acquire = async (): Promise<Lease> => {
      const acquired = await harness.lease.acquire(APP, LEASE_MS);
      if (acquired.kind !== 'acquired') throw new Error(`lease ${acquired.kind}`);
      return acquired.lease;
    };
    const request = (lease: Lease, changes: Partial<BeginRequest> = {}): BeginRequest => ({
      lease,
      charge: null,
      credential: null,
      seenGeneration: Number.MAX_SAFE_INTEGER,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: budgetOf(100, 100),
      leaseMs: LEASE_MS,
      ...changes,
    });
    /** Begins under a lease of its own and gives the lease back, so that several fetches can be under way. */
    const begin = async (changes: Partial<BeginRequest> = {}): Promise<Grant> => {
      const lease = await acquire();
      const begun = await store.begin(APP, request(lease, changes));
      await harness.lease.release(lease);
      if (begun.kind !== 'granted') throw new Error(`begin: ${begun.kind}`);
      return begun.grant;
    };
    const refusal = async (changes: Partial<BeginRequest> = {}): Promise<string> => {
      const lease = await acquire();
      const begun = await store.begin(APP, request(lease, changes));
      await harness.lease.release(lease);
      return begun.kind === 'budget_exhausted' ? `${begun.budget} budget` : begun.kind;
    };
    const commit = (grant: Grant, value: string, expiresInMs = LIFE_MS) =>
      store.commit(APP, { grant, value, expiresInMs, owner: 'me', reason: 'scheduled' });
    const abort = (
      grant: Grant,
      outcome: 'not_sent' | 'refused' | 'unknown',
      backOff: FailedFetch | null = null,
    ) => store.abort(APP, { grant, charge: null, outcome, backOff });
    const stored = async (): Promise<TokenRecord> => {
      const { record } = await store.read(APP);
      if (!record) throw new Error('nothing stored');
      return record;
    };

    it('knows nothing of an app at first', async () => {
      expect(await store.read(APP)).toMatchObject({
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
      const grant = await begin();
      const token = { value: 'one', expiresInMs: LIFE_MS, tokenType: 'DPoP' };
      await store.commit(APP, { grant, ...token, owner: 'me', reason: 'scheduled' });
      expect(await stored()).toMatchObject({ value: 'one', tokenType: 'DPoP' });
    });

    it('keeps the apps apart, by name, provider, AppID and grant', async () => {
      await commit(await begin(), 'one');
      const others = [
        appNamed('other'),
        appNamed(APP.name, { provider: 'other' }),
        appNamed(APP.name, { appId: 'wxfedcba9876543210' }),
        appNamed(APP.name, { grant: 'classic' }),
      ];
      for (const other of others) {
        expect(await store.read(other)).toMatchObject({ record: null, fence: 0, count: { fetches: 0 } });
      }
      expect((await stored()).value).toBe('one');
    });

    it('takes nothing over that is more than a day ahead of its clock', async () => {
      const grant = await begin({ highestKnown: Number.MAX_SAFE_INTEGER - 1 });
      expect(grant.fence).toBeLessThan(grant.view.nowMs + 1000);
      await commit(grant, 'one');
      const ahead = { ...(await stored()), generation: Math.floor(grant.view.nowMs) + 2 * DAY_MS };
      const view = await store.reconcile(APP, { record: ahead, committed: ahead.generation });
      expect(view).toMatchObject({ record: { value: 'one' }, suspect: 0, rolledBack: 0 });
      expect((await begin()).fence).toBeLessThan(grant.fence + DAY_MS);
    });

    describe('begin', () => {
      it('leaves an intent and counts the fetch', async () => {
        const grant = await begin({ charge: FORCED });
        const view = await store.read(APP);
        expect(view.intent?.fence).toBe(grant.fence);
        expect(view.beganAtMs).toBe(view.intent?.atMs);
        expect(view.count).toEqual({ ...NO_COUNT, fetches: 1, forced: 1 });
        expect(grant).toMatchObject({ overlapping: false, view: { record: null, intent: null } });
      });

      it('takes a fence above the store’s time, the last fence and the highest known generation', async () => {
        const first = await begin();
        expect(first.fence).toBeGreaterThanOrEqual(Math.floor(first.view.nowMs));
        expect((await begin()).fence).toBeGreaterThan(first.fence);
        const highestKnown = first.fence + 1e6;
        expect((await begin({ highestKnown })).fence).toBe(highestKnown + 1);
      });

      it('is refused without the lease', async () => {
        const lease = await acquire();
        expect((await store.begin(APP, request({ app: APP, id: 'another' }))).kind).toBe('lease_lost');
        await harness.lease.release(lease);
        expect((await store.begin(APP, request(lease))).kind).toBe('lease_lost');
        expect((await store.read(APP)).intent).toBeNull();
      });

      it('is refused once the lease ran out', async () => {
        const lease = await acquire();
        await harness.elapse(LEASE_MS + 50);
        expect((await store.begin(APP, request(lease))).kind).toBe('lease_lost');
      });

      it('hands over what is newer than what the caller saw, unless it expired', async () => {
        await commit(await begin(), 'one', 1000);
        const { generation } = await stored();
        expect(await refusal({ seenGeneration: generation - 1 })).toBe('moved');
        await abort(await begin({ seenGeneration: generation }), 'not_sent');
        await harness.elapse(1050);
        await expect(begin({ seenGeneration: 0 })).resolves.toBeDefined();
      });

      it('waits for a back-off, which an override passes', async () => {
        await abort(await begin(), 'refused', BUSY);
        expect(await refusal()).toBe('backing_off');
        expect(await refusal({ ignoreBackOff: 'mendable' })).toBe('backing_off');
        await abort(await begin({ ignoreBackOff: 'all' }), 'refused', { ...BUSY, class: 'day_quota' });
        expect(await refusal()).toBe('backing_off');
        const configuration = { ...BUSY, class: 'configuration' } as const;
        await abort(await begin({ ignoreBackOff: 'mendable' }), 'refused', configuration);
        expect(await refusal()).toBe('backing_off');
        await abort(await begin({ ignoreBackOff: 'mendable' }), 'refused', BUSY);
        await harness.elapse(BUSY.delayMs + 50);
        await expect(begin()).resolves.toBeDefined();
      });

      it('holds the budgets', async () => {
        const budget = budgetOf(2, 1);
        await commit(await begin({ budget, charge: FORCED }), 'one');
        expect(await refusal({ budget, charge: FORCED })).toBe('forced budget');
        await commit(await begin({ budget }), 'two');
        expect(await refusal({ budget })).toBe('daily budget');
      });

      it('begins the count anew on each day of the platform, also that of each client', async () => {
        const charge: Charge = { pool: 'unproven', client: 'orders' };
        await abort(await begin({ budget: budgetOf(1, 1), charge }), 'refused');
        expect(await refusal({ budget: budgetOf(1, 1), charge })).toBe('daily budget');
        const next = budgetOf(1, 1, DAY_MS);
        const grant = await begin({ budget: next, charge });
        expect(grant.day).toBe(grant.view.day + 1);
        expect(await store.read(APP)).toMatchObject({ day: grant.day, count: { fetches: 1, unproven: 1 } });
        expect(await refusal({ budget: next, charge })).toBe('daily budget');
      });

      it('has a pool for each kind of fetch, so that none uses up another', async () => {
        const budget = budgetOf(9, 1);
        for (const pool of ['forced', 'forceNew', 'unproven'] as const) {
          const charge = { pool, client: 'orders' };
          await abort(await begin({ budget, charge }), 'refused');
          expect(await refusal({ budget, charge })).toBe(`${pool} budget`);
        }
        expect((await store.read(APP)).count).toEqual({ fetches: 3, forced: 1, forceNew: 1, unproven: 1 });
      });

      it('lets what is forced pass when the others have used up the day', async () => {
        const budget = budgetOf(1, 1);
        await abort(await begin({ budget }), 'refused');
        await abort(await begin({ budget, charge: FORCED }), 'refused');
        expect(await refusal({ budget, charge: FORCED })).toBe('forced budget');
      });

      it('gives no client more than half of what is unproven', async () => {
        const budget = budgetOf(9, 3);
        const of = (client: string): Charge => ({ pool: 'unproven', client });
        const given = await begin({ budget, charge: of('orders') });
        await store.abort(APP, { grant: given, charge: of('orders'), outcome: 'not_sent', backOff: null });
        await abort(await begin({ budget, charge: of('orders') }), 'refused');
        await abort(await begin({ budget, charge: of('orders') }), 'refused');
        expect(await refusal({ budget, charge: of('orders') })).toBe('client budget');
        await abort(await begin({ budget, charge: of('billing') }), 'refused');
        expect(await refusal({ budget, charge: of('billing') })).toBe('unproven budget');
      });

      it('is not held up by the refusal of another AppID or AppSecret', async () => {
        const refused = { ...BUSY, class: 'configuration', credential: '0123abcd' } as const;
        await abort(await begin(), 'refused', refused);
        expect(await refusal({ credential: '0123abcd' })).toBe('backing_off');
        expect(await refusal({ credential: null })).toBe('backing_off');
        await expect(begin({ credential: '4567cdef' })).resolves.toBeDefined();
      });
    });

    describe('commit', () => {
      it('stores the token, closes the intent and ends the back-off', async () => {
        await abort(await begin(), 'refused', BUSY);
        await commit(await begin({ ignoreBackOff: 'all' }), 'one');
        const grant = await begin();
        expect(await commit(grant, 'two')).toMatchObject({
          kind: 'committed',
          view: { intent: null, backOff: null, failures: 0 },
        });
        const record = await stored();
        expect(record).toEqual({
          generation: grant.fence,
          base: grant.view.record?.generation,
          since: grant.fence,
          value: 'two',
          issuedAtMs: grant.view.nowMs,
          expiresAtMs: grant.view.nowMs + LIFE_MS,
          owner: 'me',
          reason: 'scheduled',
        });
        expect(suspectReasonOf(await store.read(APP))).toBeNull();
      });

      it('is the same when it is repeated, even after the next one', async () => {
        const grant = await begin();
        const first = await commit(grant, 'one');
        expect(await commit(grant, 'one')).toMatchObject({
          kind: 'committed',
          view: { record: first.view.record, suspect: 0 },
        });
        await commit(await begin(), 'two');
        expect(await commit(grant, 'one')).toMatchObject({
          kind: 'committed',
          view: { record: { value: 'two' }, suspect: 0 },
        });
      });

      it('needs no lease', async () => {
        const grant = await begin();
        await harness.elapse(LEASE_MS + 50);
        const rival = await acquire();
        expect((await commit(grant, 'one')).kind).toBe('committed');
        await harness.lease.release(rival);
      });

      it('remembers since when a value is the same', async () => {
        const first = await begin();
        await commit(first, 'one');
        const again = await begin();
        await commit(again, 'one', 30_000);
        expect(await stored()).toMatchObject({ generation: again.fence, since: first.fence, value: 'one' });
        const other = await begin();
        await commit(other, 'two');
        expect((await stored()).since).toBe(other.fence);
      });

      it('drops a token that comes late, and suspects the one that is stored', async () => {
        const slow = await begin();
        const fast = await begin();
        await commit(fast, 'fast');
        expect((await commit(slow, 'slow')).kind).toBe('superseded');
        const view = await store.read(APP);
        expect(view.record?.value).toBe('fast');
        expect(suspectReasonOf(view)).toBe('suspect');
      });

      it('suspects a token whose base was replaced while it was fetched', async () => {
        await commit(await begin(), 'one');
        const first = await begin();
        const second = await begin();
        await commit(first, 'two');
        await commit(second, 'three');
        const view = await store.read(APP);
        expect(view.record).toMatchObject({ value: 'three', base: first.view.record?.generation });
        expect(suspectReasonOf(view)).toBe('suspect');
      });

      it('clears suspicion with a fetch that overlapped none', async () => {
        const slow = await begin();
        await commit(await begin(), 'fast');
        await commit(slow, 'slow');
        await harness.elapse(2 * LEASE_MS + 50);
        await commit(await begin(), 'healed');
        expect(suspectReasonOf(await store.read(APP))).toBeNull();
      });
    });

    describe('abort', () => {
      it.each(['not_sent', 'refused'] as const)(
        'closes the intent when the request was %s',
        async (outcome) => {
          await abort(await begin(), outcome);
          expect(suspectReasonOf(await store.read(APP))).toBeNull();
        },
      );

      it('gives what was not sent back to the budget', async () => {
        const grant = await begin({ charge: FORCED });
        await store.abort(APP, { grant, charge: FORCED, outcome: 'not_sent', backOff: null });
        expect((await store.read(APP)).count).toEqual(NO_COUNT);
        await abort(await begin(), 'refused');
        expect((await store.read(APP)).count).toEqual({ ...NO_COUNT, fetches: 1 });
      });

      it('gives nothing back to another day than that of the fetch', async () => {
        const grant = await begin({ budget: budgetOf(9, 9) });
        await begin({ budget: budgetOf(9, 9, DAY_MS) });
        await abort(grant, 'not_sent');
        expect((await store.read(APP)).count).toEqual({ ...NO_COUNT, fetches: 1 });
      });

      it('leaves the intent open when nobody knows what came of it', async () => {
        await abort(await begin(), 'unknown', BUSY);
        const view = await store.read(APP);
        expect(suspectReasonOf(view)).toBe('in_doubt');
        expect(view.backOff).toMatchObject({ class: 'busy', errcode: -1, message: 'system error' });
      });

      it('keeps the error of a wait as it was, a word as a word', async () => {
        await abort(await begin(), 'refused', { ...BUSY, errcode: 'invalid_client' });
        expect((await store.read(APP)).backOff?.errcode).toBe('invalid_client');
      });

      it('keeps the open outcome of an earlier fetch when a later one is refused', async () => {
        await abort(await begin(), 'unknown');
        await abort(await begin(), 'refused');
        expect(suspectReasonOf(await store.read(APP))).toBe('in_doubt');
      });

      it('suspects what was stored after a fetch whose outcome stays unknown', async () => {
        const slow = await begin();
        await commit(await begin(), 'fast');
        await harness.elapse(2 * LEASE_MS + 50);
        await commit(await begin(), 'later');
        await abort(slow, 'unknown');
        expect(suspectReasonOf(await store.read(APP))).toBe('suspect');
      });

      it('sets the shared back-off on the store’s clock and counts failures', async () => {
        await abort(await begin(), 'refused', BUSY);
        const view = await abort(await begin({ ignoreBackOff: 'all' }), 'refused', BUSY);
        expect(view.failures).toBe(2);
        const waitMs = (view.backOff?.untilMs ?? 0) - (view.backOff?.atMs ?? 0);
        expect(waitMs).toBe(BUSY.delayMs);
      });
    });

    describe('in doubt', () => {
      it('suspects a token that was fetched while an earlier request may still reach the platform', async () => {
        await abort(await begin(), 'unknown');
        const grant = await begin();
        expect(grant.overlapping).toBe(true);
        await commit(grant, 'one');
        expect(suspectReasonOf(await store.read(APP))).toBe('suspect');
      });

      it('suspects a third token too, while the first request may still reach the platform', async () => {
        await abort(await begin(), 'unknown');
        await commit(await begin(), 'one');
        const grant = await begin();
        expect(grant.overlapping).toBe(true);
        await commit(grant, 'two');
        expect(suspectReasonOf(await store.read(APP))).toBe('suspect');
      });

      it('counts from when the outcome became unknown, because the request may have been sent late', async () => {
        const grant = await begin();
        await harness.elapse(2 * LEASE_MS + 50);
        const { beganAtMs, nowMs } = await abort(grant, 'unknown');
        expect(beganAtMs).toBe(nowMs);
        expect((await begin()).overlapping).toBe(true);
      });

      it('remembers an unknown outcome of a fetch that the store knows nothing of', async () => {
        await commit(await begin(), 'one');
        const { nowMs } = await store.read(APP);
        await abort(
          { fence: Math.floor(nowMs) + 1000, day: 0, overlapping: false, view: await store.read(APP) },
          'unknown',
        );
        expect(suspectReasonOf(await store.read(APP))).not.toBeNull();
      });

      it('trusts it again once that request is two lease times old', async () => {
        await abort(await begin(), 'unknown');
        await harness.elapse(2 * LEASE_MS + 50);
        const grant = await begin();
        expect(grant).toMatchObject({ overlapping: false, view: { intent: expect.anything() } });
        await commit(grant, 'one');
        expect(suspectReasonOf(await store.read(APP))).toBeNull();
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
        await commit(await begin(), 'one');
        const before = await stored();
        const { generation } = before;
        await store.reconcile(APP, { record: null, committed: 0 });
        const view = await store.reconcile(APP, { record: before, committed: generation });
        expect(view.record).toEqual(before);
        expect(suspectReasonOf(view)).toBeNull();
      });

      it('re-seeds a store that lost the token, and marks it as suspect', async () => {
        const { nowMs } = await store.read(APP);
        const record = lost(Math.floor(nowMs) + 1000, nowMs);
        const view = await store.reconcile(APP, { record, committed: record.generation });
        expect(view.record).toEqual(record);
        expect(suspectReasonOf(view)).toBe('rollback');
        expect(view.beganAtMs).toBe(view.nowMs);
        expect((await begin()).fence).toBeGreaterThan(record.generation);
      });

      it('marks as suspect a record that was fetched without knowing of one that was committed here', async () => {
        const grant = await begin();
        await commit(grant, 'fork');
        const view = await store.reconcile(APP, { record: null, committed: grant.fence - 1 });
        expect(suspectReasonOf(view)).toBe('rollback');
      });

      it('heals the fork with one fetch', async () => {
        const grant = await begin();
        await commit(grant, 'fork');
        const committed = grant.fence - 1;
        await store.reconcile(APP, { record: null, committed });
        await harness.elapse(2 * LEASE_MS + 50);
        await commit(await begin(), 'healed');
        expect(suspectReasonOf(await store.reconcile(APP, { record: null, committed }))).toBeNull();
      });
    });
  });
}
