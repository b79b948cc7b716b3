import { ManualClock } from '../../../test/support/manual-clock.js';
import { describeHistory, historyEvent } from '../../core/ports/history.contract.js';
import { describeReplicaRegistry, replicaReport } from '../../core/ports/replica-registry.contract.js';
import { MemoryHistory, MemoryReplicaRegistry } from './index.js';

describeHistory('memory', async () => {
  const clock = new ManualClock();
  const history = new MemoryHistory(clock);
  return { history, there: history, nowMs: clock.wallMs() };
});

describeReplicaRegistry('memory', async () => {
  const clock = new ManualClock();
  return {
    registry: new MemoryReplicaRegistry(clock),
    nowMs: clock.wallMs(),
    elapse: (ms) => clock.advance(ms),
  };
});

describe('what is in memory for the console', () => {
  it('is the last 10,000 events', async () => {
    const clock = new ManualClock();
    const history = new MemoryHistory(clock);
    for (let batch = 0; batch < 101; batch += 1) {
      await history.append(Array.from({ length: 100 }, () => historyEvent(clock.wallMs())));
    }
    expect((await history.page('shop', null, 20_000)).events).toHaveLength(10_000);
  });

  it('replaces a use that the clock has made one of the future', async () => {
    const clock = new ManualClock();
    const registry = new MemoryReplicaRegistry(clock);
    await registry.noteUses('a', new Map([['orders key 0a1b2c3d', clock.wallMs()]]));
    clock.stepWallClock(-3_600_000);
    const nowMs = clock.wallMs();
    await registry.noteUses('a', new Map([['orders key 0a1b2c3d', nowMs]]));
    expect((await registry.lastUses()).get('orders key 0a1b2c3d')?.atMs).toBe(nowMs);
  });

  it('forgets a replica that was silent for 10 minutes', async () => {
    const clock = new ManualClock();
    const registry = new MemoryReplicaRegistry(clock);
    await registry.beat(replicaReport('a'));
    await clock.advance(10 * 60_000 + 1);
    expect((await registry.beat(replicaReport('b'))).map(({ id }) => id)).toEqual(['b']);
  });
});
