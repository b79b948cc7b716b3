import { FakeIssuer, REFRESH } from '../../../test/support/create-broker.js';
import { ManualClock } from '../../../test/support/manual-clock.js';
import { AppSecrets } from '../app-secrets.js';
import { DAY_MS } from '../ports/clock.js';
import { TokenMemory } from './token-memory.js';
import { dayOf, NO_COUNT } from './budgets.js';
import type { StoreView } from '../ports/token-store.js';
import { TokenOwners, type TokenRecord } from '../token.js';

const TRIP_MS = 300;

function createMemory(): { readonly memory: TokenMemory; readonly clock: ManualClock } {
  const clock = new ManualClock();
  const app = {
    name: 'shop',
    provider: 'fake',
    grant: 'classic',
    appId: 'wx0123456789abcdef',
    host: 'api.example.com',
    secrets: new AppSecrets('secret'),
    issuer: new FakeIssuer(),
    refresh: REFRESH,
    tickets: () => [],
  };
  return {
    memory: new TokenMemory(app, clock, { credential: null, count: NO_COUNT }, new TokenOwners()),
    clock,
  };
}

const RECORD: TokenRecord = {
  generation: 7,
  base: 0,
  since: 7,
  value: 'token',
  issuedAtMs: 0,
  expiresAtMs: 7_200_000,
  owner: 'replica-1',
  reason: 'cold',
};

function viewAt(nowMs: number, record: Partial<TokenRecord> = {}): StoreView {
  return {
    record: { ...RECORD, issuedAtMs: nowMs, expiresAtMs: nowMs + 7_200_000, ...record },
    fence: 7,
    suspect: 7,
    rolledBack: 0,
    intent: null,
    beganAtMs: nowMs,
    backOff: null,
    failures: 0,
    day: dayOf(nowMs, REFRESH.dayOffsetMs),
    count: { ...NO_COUNT, fetches: 1 },
    nowMs,
  };
}

describe('what the store said', () => {
  it('makes no token live for longer than 30 days', () => {
    const { memory, clock } = createMemory();
    const nowMs = clock.wallMs();
    memory.adopt(viewAt(nowMs, { expiresAtMs: Number.MAX_SAFE_INTEGER }), clock.monotonicMs());
    expect(memory.token?.deadlineMonoMs).toBe(clock.monotonicMs() + 30 * DAY_MS);
  });

  it('replaces a token whose generation is further ahead than a day, as of a clock that was wrong', () => {
    const { memory, clock } = createMemory();
    const nowMs = clock.wallMs();
    memory.hold(
      { ...RECORD, generation: nowMs + 9 * DAY_MS, value: 'ahead' },
      clock.monotonicMs() + 7_200_000,
    );
    const generation = nowMs - 5;
    expect(memory.adopt(viewAt(nowMs, { generation }), clock.monotonicMs())).toBe(true);
    expect(memory.livingToken?.record).toMatchObject({ generation, value: 'token' });
  });
});

describe('what the store said a while ago', () => {
  it('is healed no earlier than the store will have it, however long the answer took', async () => {
    const { memory, clock } = createMemory();
    const view = viewAt(clock.wallMs());
    memory.adopt(view, clock.monotonicMs() - TRIP_MS);
    await clock.advance(2 * REFRESH.leaseMs - 1);
    expect(memory.suspectReason).not.toBeNull();
    expect([memory.isHealTime, memory.mustAwaitHeal]).toEqual([false, true]);
    await clock.advance(1);
    expect([memory.isHealTime, memory.mustAwaitHeal]).toEqual([true, false]);
  });
});

describe('a token that the store has for a process without one', () => {
  const laterThan = (before: Partial<StoreView>, record: Partial<TokenRecord>): TokenMemory => {
    const { memory, clock } = createMemory();
    const nowMs = clock.wallMs();
    memory.adopt({ ...viewAt(nowMs), record: null, ...before }, clock.monotonicMs());
    memory.adopt(viewAt(nowMs + 1000, record), clock.monotonicMs());
    return memory;
  };
  const NOW_MS = new ManualClock().wallMs();

  it.each([
    ['was there before the process looked', { fence: 0 }, NOW_MS - 1],
    ['was there before what the process saw', { fence: NOW_MS - 5 }, NOW_MS - 6],
  ])('is to be tried where it %s', (_, before, generation) => {
    expect(laterThan(before, { generation }).untried).not.toBeNull();
  });

  it.each([
    ['began after the process looked', { fence: 0 }, NOW_MS],
    ['was under way when the process looked', { fence: NOW_MS - 5 }, NOW_MS - 5],
  ])('need not be tried where its fetch %s', (_, before, generation) => {
    const memory = laterThan(before, { generation });
    expect([memory.generation, memory.untried]).toEqual([generation, null]);
  });
});
