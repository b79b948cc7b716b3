import { SHOP } from '../../../test/support/app-identity.js';
import type { Budget, Charge } from '../refresh/budgets.js';
import type { TokenRecord } from '../token.js';
import type { Lease, RefreshLease } from './refresh-lease.js';
import type {
  BeginRequest,
  CommitResult,
  FailedFetch,
  FetchPermit,
  StoreView,
  TokenStore,
} from './token-store.js';

/** One implementation under test, empty at first. */
export interface StoreUnderTest {
  readonly store: TokenStore;
  /** The same for another replica, which may be the same object. */
  readonly there?: TokenStore;
  readonly lease: RefreshLease;
  /** Lets this much of the store's time go by. */
  elapse(ms: number): Promise<void>;
}

export const APP = SHOP;
/** So long that no step takes as much, however busy the machine is. */
export const LEASE_MS = 40_000;
export const LIFE_MS = 600_000;
export const BUSY: FailedFetch = {
  class: 'busy',
  errcode: -1,
  message: 'system error',
  credential: null,
  delayMs: 20_000,
};
export const FORCED: Charge = { pool: 'forced', client: 'orders' };

export function budgetOf(daily: number, forcedDaily: number, dayOffsetMs = 0): Budget {
  return { daily, forcedDaily, dayOffsetMs };
}

/** The steps of the protocol on the store under test, which is a new one for each test. */
export class StoreSteps {
  private current: StoreUnderTest | null = null;

  constructor(create: () => Promise<StoreUnderTest>) {
    beforeEach(async () => {
      this.current = await create();
    });
  }

  get store(): TokenStore {
    return this.harness.store;
  }

  get there(): TokenStore {
    return this.harness.there ?? this.harness.store;
  }

  get lease(): RefreshLease {
    return this.harness.lease;
  }

  elapse(ms: number): Promise<void> {
    return this.harness.elapse(ms);
  }

  async acquire(): Promise<Lease> {
    const acquired = await this.lease.acquire(APP, LEASE_MS);
    if (acquired.kind !== 'acquired') throw new Error(`lease ${acquired.kind}`);
    return acquired.lease;
  }

  request(lease: Lease, changes: Partial<BeginRequest> = {}): BeginRequest {
    return {
      lease,
      charge: null,
      credential: null,
      seenGeneration: Number.MAX_SAFE_INTEGER,
      highestKnown: 0,
      ignoreBackOff: 'none',
      budget: budgetOf(100, 100),
      leaseMs: LEASE_MS,
      ...changes,
    };
  }

  /** Begins under a lease of its own and gives the lease back, so that several fetches can be under way. */
  async begin(changes: Partial<BeginRequest> = {}): Promise<FetchPermit> {
    const lease = await this.acquire();
    const begun = await this.store.begin(APP, this.request(lease, changes));
    await this.lease.release(lease);
    if (begun.kind !== 'granted') throw new Error(`begin: ${begun.kind}`);
    return begun.permit;
  }

  async refusal(changes: Partial<BeginRequest> = {}): Promise<string> {
    const lease = await this.acquire();
    const begun = await this.store.begin(APP, this.request(lease, changes));
    await this.lease.release(lease);
    return begun.kind === 'budget_exhausted' ? `${begun.budget} budget` : begun.kind;
  }

  commit(permit: FetchPermit, value: string, expiresInMs = LIFE_MS): Promise<CommitResult> {
    return this.store.commit(APP, { permit, value, expiresInMs, owner: 'me', reason: 'scheduled' });
  }

  abort(
    permit: FetchPermit,
    outcome: 'not_sent' | 'refused' | 'unknown',
    backOff: FailedFetch | null = null,
  ): Promise<StoreView> {
    return this.store.abort(APP, { permit, charge: null, outcome, backOff });
  }

  async stored(): Promise<TokenRecord> {
    const { record } = await this.store.read(APP);
    if (!record) throw new Error('nothing stored');
    return record;
  }

  private get harness(): StoreUnderTest {
    if (!this.current) throw new Error('no test runs');
    return this.current;
  }
}
