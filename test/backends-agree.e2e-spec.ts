import fc from 'fast-check';
import { MemoryRefreshLease, MemoryTokenStore } from '../src/storage/memory/index.js';
import {
  RedisConnection,
  RedisRefreshLease,
  RedisTokenStore,
  TokenCipher,
} from '../src/storage/redis/index.js';
import type { Lease, RefreshLease } from '../src/core/ports/refresh-lease.js';
import { suspectReasonOf } from '../src/core/refresh/policy.js';
import { SystemClock } from '../src/core/system-clock.js';
import type { Charge, Pool } from '../src/core/refresh/budgets.js';
import type { FetchPermit, StoreView, TokenStore } from '../src/core/ports/token-store.js';
import type { TokenRecord } from '../src/core/token.js';
import { SHOP } from './support/app-identity.js';
import { RedisServer } from './support/redis-server.js';

const APP = SHOP;
const LONG_MS = 1e6;

/** One step of a random history. Indexes choose among what the history has brought up so far. */
type Step =
  | { readonly do: 'acquire' | 'release' | 'read' }
  | {
      readonly do: 'begin';
      readonly hasLease: boolean;
      readonly seen: number;
      readonly pool: Pool | 'none';
      readonly ignore: 'none' | 'mendable' | 'all';
      readonly daily: number;
      readonly isOverlapPossible: boolean;
    }
  | { readonly do: 'commit'; readonly permit: number; readonly value: number; readonly lives: boolean }
  | {
      readonly do: 'abort';
      readonly permit: number;
      readonly outcome: 'not_sent' | 'refused' | 'unknown';
      readonly waits: 'no' | 'busy' | 'day_quota';
    }
  | { readonly do: 'reconcile'; readonly isAhead: boolean; readonly committed: number };

const index = fc.nat({ max: 30 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('acquire', 'release', 'read') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('begin' as const),
      hasLease: fc.boolean().map((no) => !no),
      seen: index,
      pool: fc.constantFrom('none', 'forced', 'forceNew', 'unproven'),
      ignore: fc.constantFrom('none', 'mendable', 'all', 'all'),
      daily: fc.constantFrom(3, 50),
      isOverlapPossible: fc.boolean(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      permit: index,
      value: fc.nat({ max: 2 }),
      lives: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('abort' as const),
      permit: index,
      outcome: fc.constantFrom('not_sent', 'refused', 'unknown'),
      waits: fc.constantFrom('no', 'busy', 'day_quota'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('reconcile' as const),
      isAhead: fc.boolean(),
      committed: index,
    }),
  },
);

/** Runs a history on one store, and tells it without what must differ: times, and fences, which follow from times. */
class Historian {
  private readonly fences = [0];
  private readonly permits: { readonly permit: FetchPermit; readonly charge: Charge | null }[] = [];
  private held: Lease | null = null;

  constructor(
    private readonly store: TokenStore,
    private readonly lease: RefreshLease,
  ) {}

  async take(step: Step): Promise<unknown> {
    switch (step.do) {
      case 'acquire': {
        const acquired = await this.lease.acquire(APP, LONG_MS);
        if (acquired.kind === 'acquired') this.held = acquired.lease;
        return acquired.kind;
      }
      case 'release':
        if (this.held) await this.lease.release(this.held);
        return 'released';
      case 'read':
        return this.told(await this.store.read(APP));
      case 'begin':
        return this.begin(step);
      case 'commit': {
        const chosen = this.chosen(this.permits, step.permit);
        if (!chosen) return null;
        const expiresInMs = step.lives ? LONG_MS : -1;
        const { kind, view } = await this.store.commit(APP, {
          permit: chosen.permit,
          value: `token-${String(step.value)}`,
          expiresInMs,
          owner: 'me',
          reason: 'cold',
        });
        return [kind, this.told(view)];
      }
      case 'abort': {
        const chosen = this.chosen(this.permits, step.permit);
        if (!chosen) return null;
        const backOff =
          step.waits === 'no'
            ? null
            : { class: step.waits, errcode: -1, message: 'busy', credential: null, delayMs: LONG_MS };
        return this.told(await this.store.abort(APP, { ...chosen, outcome: step.outcome, backOff }));
      }
      case 'reconcile':
        return this.reconcile(step);
    }
  }

  private async begin(step: Extract<Step, { do: 'begin' }>): Promise<unknown> {
    const charge = step.pool === 'none' ? null : { pool: step.pool, client: 'orders' };
    const begun = await this.store.begin(APP, {
      lease: step.hasLease && this.held ? this.held : { app: APP, id: 'none' },
      charge,
      credential: null,
      seenGeneration: this.chosen(this.fences, step.seen) ?? 0,
      highestKnown: this.fences.at(-1) ?? 0,
      ignoreBackOff: step.ignore,
      budget: { daily: step.daily, forcedDaily: 2, dayOffsetMs: 0 },
      leaseMs: step.isOverlapPossible ? LONG_MS : 0,
    });
    if (begun.kind !== 'granted') return [begun.kind, this.told(begun.view)];
    this.fences.push(begun.permit.fence);
    this.permits.push({ permit: begun.permit, charge });
    return [begun.kind, begun.permit.overlapping, this.told(begun.permit.view)];
  }

  private async reconcile({ isAhead, committed }: Extract<Step, { do: 'reconcile' }>): Promise<unknown> {
    const { record: stored, nowMs } = await this.store.read(APP);
    const generation = (this.fences.at(-1) ?? 0) + 1e6;
    const ahead: TokenRecord = {
      generation,
      base: 0,
      since: generation,
      value: 'token-ahead',
      issuedAtMs: Math.floor(nowMs),
      expiresAtMs: Math.floor(nowMs) + LONG_MS,
      owner: 'me',
      reason: 'cold',
    };
    if (isAhead) this.fences.push(generation);
    const known = {
      record: isAhead ? ahead : stored,
      committed: this.chosen(this.fences, committed) ?? 0,
    };
    return this.told(await this.store.reconcile(APP, known));
  }

  private chosen<T>(items: readonly T[], at: number): T | undefined {
    return items.length === 0 ? undefined : items[at % items.length];
  }

  private told({
    record,
    suspect,
    rolledBack,
    intent,
    backOff,
    failures,
    count,
    ...view
  }: StoreView): unknown {
    return {
      record: record && {
        value: record.value,
        generation: this.rank(record.generation),
        base: this.rank(record.base),
        since: this.rank(record.since),
      },
      fence: this.rank(view.fence),
      suspect: this.rank(suspect),
      rolledBack: this.rank(rolledBack),
      intent: intent && this.rank(intent.fence),
      hasBegun: view.beganAtMs > 0,
      suspectReason: suspectReasonOf({ record, suspect, rolledBack, intent }),
      backOff: backOff?.class,
      failures,
      count,
    };
  }

  private rank(fence: number): number {
    const rank = this.fences.indexOf(fence);
    return rank === -1 ? Number.NaN : rank;
  }
}

describe('memory and Redis', () => {
  const clock = new SystemClock();
  const cipher = new TokenCipher([{ id: 'k1', key: Buffer.alloc(32, 7) }]);
  let server: RedisServer;
  let connection: RedisConnection;
  let runs = 0;

  beforeAll(async () => {
    server = await RedisServer.start();
    const settings = {
      server: { kind: 'url', url: server.url() },
      username: null,
      password: null,
      tls: null,
    } as const;
    connection = new RedisConnection(settings, clock);
    await connection.ready(5000);
  });

  afterAll(() => {
    connection.close();
  });

  it('tell every history alike', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (history) => {
        runs += 1;
        const keyPrefix = `agree-${String(runs)}:`;
        const memoryLease = new MemoryRefreshLease(clock);
        const inMemory = new Historian(new MemoryTokenStore(clock, memoryLease), memoryLease);
        const inRedis = new Historian(
          new RedisTokenStore(connection, {
            keyPrefix,
            cipher,
            onUnreadable: () => undefined,
            onOtherOwner: () => undefined,
          }),
          new RedisRefreshLease(connection, keyPrefix),
        );
        for (const each of history) {
          expect({ step: each, told: await inRedis.take(each) }).toEqual({
            step: each,
            told: await inMemory.take(each),
          });
        }
      }),
      { numRuns: 200 },
    );
  }, 60_000);
});
