export {
  MemoryAppClaim,
  MemoryRefreshLease,
  MemoryRotationFeed,
  MemorySharedProbes,
} from './memory-coordination.js';
export { MemoryHistory, MemoryReplicaRegistry } from './memory-console.js';
export { MemoryLoginStore } from './memory-login-store.js';
export { MemoryTokenStore } from './memory-token-store.js';
