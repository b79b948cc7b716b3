import { ManualClock } from '../../../test/support/manual-clock.js';
import { describeAppClaim } from '../../core/ports/app-claim.contract.js';
import { CONTRACT_TIMES, describeLoginStore } from '../../core/ports/login-store.contract.js';
import { describeRefreshLease } from '../../core/ports/refresh-lease.contract.js';
import { describeRotationFeed } from '../../core/ports/rotation-feed.contract.js';
import { describeSharedProbes } from '../../core/ports/shared-probes.contract.js';
import { describeTokenStore } from '../../core/ports/token-store.contract.js';
import {
  MemoryAppClaim,
  MemoryLoginStore,
  MemoryRefreshLease,
  MemoryRotationFeed,
  MemorySharedProbes,
  MemoryTokenStore,
} from './index.js';

describeTokenStore('memory', async () => {
  const clock = new ManualClock();
  const lease = new MemoryRefreshLease(clock);
  return { store: new MemoryTokenStore(clock, lease), lease, elapse: (ms) => clock.advance(ms) };
});

describeLoginStore('memory', async () => {
  const clock = new ManualClock();
  return { store: new MemoryLoginStore(clock, CONTRACT_TIMES), elapse: (ms) => clock.advance(ms) };
});

describeRefreshLease('memory', async () => {
  const clock = new ManualClock();
  return { lease: new MemoryRefreshLease(clock), elapse: (ms) => clock.advance(ms) };
});

describeRotationFeed('memory', async () => {
  const feed = new MemoryRotationFeed();
  return { here: feed, there: feed, settle: async () => undefined };
});

describeAppClaim('memory', async () => {
  const clock = new ManualClock();
  const here = new MemoryAppClaim(clock, 'here:');
  return {
    here,
    sibling: here.ofPrefix('here:'),
    there: here.ofPrefix('there:'),
    holder: 'here:{shop}',
    elapse: (ms) => clock.advance(ms),
  };
});

describeSharedProbes('memory', async () => {
  const clock = new ManualClock();
  const probes = new MemorySharedProbes(clock);
  return { here: probes, there: probes, elapse: (ms) => clock.advance(ms) };
});
