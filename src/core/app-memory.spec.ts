import { FakeIssuer, REFRESH } from '../../test/support/create-broker.js';
import { ManualClock } from '../../test/support/manual-clock.js';
import { AppMemory } from './app-memory.js';
import type { StoreView } from './token-store.js';

const TRIP_MS = 300;

function createMemory(): { readonly memory: AppMemory; readonly clock: ManualClock } {
  const clock = new ManualClock();
  const app = {
    name: 'shop',
    provider: 'fake',
    grant: 'classic',
    appId: 'wx0123456789abcdef',
    appSecret: 'secret',
    issuer: new FakeIssuer(),
    refresh: REFRESH,
  };
  return { memory: new AppMemory(app, clock), clock };
}

describe('what the store said a while ago', () => {
  it('is healed no earlier than the store will have it, however long the answer took', async () => {
    const { memory, clock } = createMemory();
    const nowMs = clock.wallMs();
    const view: StoreView = {
      record: {
        generation: 7,
        base: 0,
        since: 7,
        value: 'token',
        issuedAtMs: nowMs,
        expiresAtMs: nowMs + 7_200_000,
        owner: 'replica-1',
        reason: 'cold',
      },
      fence: 7,
      suspect: 7,
      rolledBack: 0,
      intent: null,
      beganAtMs: nowMs,
      backOff: null,
      failures: 0,
      today: { fetches: 1, forced: 0 },
      nowMs,
    };
    memory.adopt(view, clock.monotonicMs() - TRIP_MS);
    await clock.advance(2 * REFRESH.leaseMs - 1);
    expect(memory.doubt).not.toBeNull();
    expect([memory.isHealTime, memory.mustAwaitHeal]).toEqual([false, true]);
    await clock.advance(1);
    expect([memory.isHealTime, memory.mustAwaitHeal]).toEqual([true, false]);
  });
});
